import { timeOf } from '../base/entry-id.ts'
import { type ControlsState, inForceOf, stateOf } from '../define/controls.ts'
import type { Connection } from './connection.ts'
import { type ConsumerState, consumerStatesOf, type RawConsumer } from './consumer-state.ts'
import type { Keys } from './keys.ts'
import { countLag, type Lag } from './lag.ts'
import { isWaitingName, setAsideName, suspectSetAsideName } from './pseudo-consumers.ts'
import { INSPECT } from './scripts/inspect.ts'
import type { ServerWarning } from './server-settings.ts'

export interface GroupState {
  group: string
  /** Entries that were not delivered to the group yet. Where Redis does not know, they are counted, up to 10,000. */
  lag: number
  /** False: Redis does not know the lag, and there are at least so many. */
  isLagExact: boolean
  /** Pending entries without those that are parked (see `waitingForRetry`) or set aside. XINFO counts all. */
  pending: number
  /** Parked entries: retried or released, waiting for their next delivery. */
  waitingForRetry: number
  /** Undefined while the group is not paused. */
  paused: ControlsState['paused']
  /** The paused event types. `setAside`: how many entries wait for the end of that pause. */
  pausedTypes: (ControlsState['pausedTypes'][number] & { setAside: number })[]
  /** How many handlers the group may start in any second. Undefined: no limit. */
  limitPerSecond: number | undefined
  /**
   * Age of the oldest entry that is not acknowledged, in milliseconds, by Redis' clock; 0 when there is none. Parked
   * entries count.
   */
  oldestUnhandledMs: number
  deadLetters: number
  /** Entries, read or not, that the lossy retention dropped and the group had not acknowledged. */
  droppedUnread: number
  lastDeliveredId: string
  /**
   * Consumers that have given a sign of life (a read, a claim, an extended lease) within half of their lease. Redis before
   * 7.2 does not see the reads of those that are given nothing: where it sees nobody at work, and somebody looks for what
   * may be claimed, that is one.
   */
  alive: number
  /** Milliseconds since any consumer has last given a sign of life. Undefined: Redis knows of none. */
  silentMs: number | undefined
  /** Without `~retry` and what is set aside, with the other pseudo-consumers. */
  consumers: ConsumerState[]
}

/** The server, as far as it tells. */
export interface ServerState {
  /** `redis` or `valkey`. Undefined where a proxy hides it. */
  name: string | undefined
  version: string | undefined
  /** Settings that weaken a promise. */
  warnings: readonly ServerWarning[]
}

export interface StreamState {
  server: ServerState
  stream: string
  length: number
  groups: GroupState[]
}

/** As the script gives it; behind it come the consumers. */
export type RawGroup = [
  ...[group: string, lag: number | null, pending: number, oldestId: string | null, deadLetters: number],
  ...[
    droppedUnread: string | null,
    lastDeliveredId: string,
    controls: string[],
    alive: number,
    silentMs: number | null,
  ],
  ...RawConsumer[],
]
type RawState = [nowMs: number, length: number, ...RawGroup[]]

/** Reads the state of a stream and its groups. */
export class InspectBroker {
  readonly #connection: Connection
  readonly #keys: Keys

  constructor(connection: Connection, keys: Keys) {
    this.#connection = connection
    this.#keys = keys
  }

  async inspect(): Promise<StreamState> {
    const { stream, dropped, groupFormat } = this.#keys
    const reply = await this.#connection.run(INSPECT, { stream, dropped }, { groupFormat })
    const [nowMs, length, ...groups] = reply as RawState
    const { name, version, warnings = [] } = this.#connection.server ?? {}
    const states = groups.map((group) => this.#group(group, nowMs))
    return { server: { name, version, warnings }, stream, length, groups: await Promise.all(states) }
  }

  async #group(raw: RawGroup, nowMs: number): Promise<GroupState> {
    const [, knownLag, , , , , lastDeliveredId] = raw
    return groupStateOf(raw, {
      nowMs,
      ...(knownLag === null
        ? await countLag(this.#connection, this.#keys.stream, lastDeliveredId)
        : { lag: knownLag, isLagExact: true }),
    })
  }
}

/** What the script gives of a group, as a state. Its lag may have been counted by the caller. */
export function groupStateOf(raw: RawGroup, { nowMs, lag, isLagExact }: Lag & { nowMs: number }): GroupState {
  const [group, , pendingOfAll, oldestId, deadLetters, droppedUnread, lastDeliveredId, ...more] = raw
  const [controls, alive, silentMs, ...consumers] = more
  const { paused, pausedTypes, limitPerSecond } = stateOf(inForceOf(controls))
  const pendingUnder = (name: string) => consumers.find((consumer) => consumer[0] === name)?.[1] ?? 0
  const waiting = consumers.reduce((sum, [name, pending]) => sum + (isWaitingName(name) ? pending : 0), 0)
  const setAsideOf = (type: string) => pendingUnder(setAsideName(type)) + pendingUnder(suspectSetAsideName(type))
  const types = pausedTypes.map((type) => ({ ...type, setAside: setAsideOf(type.eventType) }))
  const setAside = types.reduce((sum, type) => sum + type.setAside, 0)
  return {
    ...{ group, lag, isLagExact },
    pending: pendingOfAll - waiting,
    // What was set aside for a pause that is over waits to be delivered, too.
    waitingForRetry: waiting - setAside,
    ...{ paused, pausedTypes: types, limitPerSecond },
    oldestUnhandledMs: oldestId === null ? 0 : Math.max(0, nowMs - timeOf(oldestId)),
    deadLetters,
    droppedUnread: Number(droppedUnread ?? 0),
    ...{ lastDeliveredId, alive, silentMs: silentMs ?? undefined },
    consumers: consumerStatesOf(consumers),
  }
}
