import { CIRCUIT_FIELD, PAUSED_FIELD, PAUSED_TYPE_FIELD, PROBE_FIELD } from '../define/controls.ts'
import type { Connection } from './connection.ts'
import type { Keys } from './keys.ts'
import { CONCLUDE_PROBE, LIMIT, OPEN_CIRCUIT, PAUSE, RECENT_TYPES } from './scripts/controls.ts'
import { TAKE_STARTS } from './scripts/starts.ts'

/** The controls of a group as Redis keeps them: the fields of a hash, flat. */
export type RawControls = readonly string[]

/** `success` and `failure`: of a handler. `none`: tells nothing: the handler was not run, did not end, or its commit failed. */
export type Verdict = 'success' | 'failure' | 'none'

export interface Grants {
  /** When it makes sense to ask for more. */
  waitMs: number
  /** How late a start may come after the beginning of its grant. */
  slackMs: number
  /** When each grant begins, counted from when Redis gave it. */
  beginsInMs: number[]
}

/** Where the controls of one group are set and read, and handler starts are granted. */
export class ControlsBroker {
  readonly #connection: Connection
  readonly #group: string
  readonly #keys: { stream: string; controls: string; starts: string }

  constructor(connection: Connection, keys: Keys, group: string) {
    this.#connection = connection
    this.#group = group
    this.#keys = { stream: keys.stream, controls: keys.controls(group), starts: keys.starts(group) }
  }

  read(): Promise<RawControls> {
    return this.#connection.send<string[]>(['HGETALL', this.#keys.controls])
  }

  /** The event types of the newest entries of the stream. */
  recentTypes(): Promise<string[]> {
    return this.#connection.run(RECENT_TYPES, this.#keys, {}) as Promise<string[]>
  }

  /** False: there is no such group. */
  async pause(eventType: string | undefined, reason: string | undefined): Promise<boolean> {
    const given = { reason: reason ?? '', hasReason: reason === undefined ? 0 : 1 }
    const args = { group: this.#group, field: fieldOf(eventType), ...given }
    return (await this.#connection.run(PAUSE, this.#keys, args)) === 1
  }

  /** Ends the pause of an event type, or those of the group: the operator's and the circuit's. */
  async resume(eventType: string | undefined): Promise<void> {
    const fields = eventType === undefined ? [PAUSED_FIELD, CIRCUIT_FIELD, PROBE_FIELD] : [fieldOf(eventType)]
    await this.#connection.send(['HDEL', this.#keys.controls, ...fields])
  }

  /** False: there is no such group. */
  async limit(perSecond: number | undefined): Promise<boolean> {
    return (await this.#connection.run(LIMIT, this.#keys, { group: this.#group, perSecond: perSecond ?? '' })) === 1
  }

  /** `opened` is false where the circuit was open. */
  async openCircuit(reason: string, probeEveryMs: number): Promise<{ opened: boolean; controls: RawControls }> {
    const reply = await this.#connection.run(OPEN_CIRCUIT, this.#keys, { reason, probeEveryMs })
    const [opened, controls] = reply as [number, string[]]
    return { opened: opened === 1, controls }
  }

  /** @param since When the circuit was opened. RFC 3339. */
  async concludeProbe(
    since: string,
    verdict: Exclude<Verdict, 'failure'>,
  ): Promise<{ closed: boolean; controls: RawControls }> {
    const reply = await this.#connection.run(CONCLUDE_PROBE, this.#keys, { since: Date.parse(since), verdict })
    const [closed, controls] = reply as [number, string[]]
    return { closed: closed === 1, controls }
  }

  /**
   * Asks for up to `want` grants of `size` handler starts each. Undefined: the group has no limit.
   * @param slackMs How late a start may come, at least.
   */
  async takeStarts(size: number, want: number, slackMs: number): Promise<Grants | undefined> {
    const slackUs = Math.round(slackMs * 1_000)
    const reply = await this.#connection.run(TAKE_STARTS, this.#keys, { size, want, slackUs })
    const [isLimited, waitUs, spanUs, ...beginsInUs] = reply as [
      isLimited: number,
      waitUs: number,
      spanUs: number,
      ...number[],
    ]
    if (isLimited === 0) return undefined
    return { waitMs: waitUs / 1_000, slackMs: spanUs / 1_000, beginsInMs: beginsInUs.map((us) => us / 1_000) }
  }
}

const fieldOf = (eventType: string | undefined) =>
  eventType === undefined ? PAUSED_FIELD : `${PAUSED_TYPE_FIELD}${eventType}`
