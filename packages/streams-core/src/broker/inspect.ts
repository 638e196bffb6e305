import { compareIds, timeOf } from '../base/entry-id.ts'
import type { Connection } from './connection.ts'
import { type Info, infosOf } from './infos.ts'
import type { Keys } from './keys.ts'
import { RETRY_CONSUMER } from './pseudo-consumers.ts'
import { COUNT_AFTER } from './scripts/inspect.ts'
import type { ServerWarning } from './server-settings.ts'

export interface ConsumerState {
  name: string
  pending: number
  /** Milliseconds since the consumer last asked Redis for anything. */
  idleMs: number
}

export interface GroupState {
  group: string
  /** Entries that were not delivered to the group yet. Counted where Redis does not know. */
  lag: number
  /** Pending entries without the parked ones (see `waitingForRetry`). XINFO counts both. */
  pending: number
  /** Parked entries: retried or released, waiting for their next delivery. */
  waitingForRetry: number
  /**
   * Age of the oldest entry that is not acknowledged, in milliseconds, by Redis' clock; 0 when there is none. Parked
   * entries count.
   */
  oldestUnhandledMs: number
  deadLetters: number
  /** Entries, read or not, that the lossy retention dropped and the group had not acknowledged. */
  droppedUnread: number
  lastDeliveredId: string
  /** Without `~retry`, with the other pseudo-consumers. */
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

/** Entries counted in one call. */
const COUNT_PAGE = 1_000

/** Reads the state of a stream and its groups. */
export class InspectBroker {
  readonly #connection: Connection
  readonly #keys: Keys

  constructor(connection: Connection, keys: Keys) {
    this.#connection = connection
    this.#keys = keys
  }

  async inspect(): Promise<StreamState> {
    const { stream } = this.#keys
    const { name, version, warnings = [] } = this.#connection.server ?? {}
    const server = { name, version, warnings }
    if ((await this.#connection.send<number>(['EXISTS', stream])) === 0)
      return { server, stream, length: 0, groups: [] }
    const [length, groups, time] = await Promise.all([
      this.#connection.send<number>(['XLEN', stream]),
      infosOf(this.#connection, ['XINFO', 'GROUPS', stream]),
      this.#connection.send<[string, string]>(['TIME']),
    ])
    const nowMs = Number(time[0]) * 1_000 + Number(time[1]) / 1_000
    return { server, stream, length, groups: await Promise.all(groups.map((info) => this.#group(info, nowMs))) }
  }

  async #group(info: Info, nowMs: number): Promise<GroupState> {
    const group = String(info.name)
    const lastDeliveredId = String(info['last-delivered-id'])
    const [pending, next, consumers, deadLetters, droppedUnread, lag] = await Promise.all([
      this.#connection.send<[number, string | null]>(['XPENDING', this.#keys.stream, group]),
      this.#connection.send<[string][]>(['XRANGE', this.#keys.stream, `(${lastDeliveredId}`, '+', 'COUNT', 1]),
      infosOf(this.#connection, ['XINFO', 'CONSUMERS', this.#keys.stream, group]),
      this.#connection.send<number>(['XLEN', this.#keys.dead(group)]),
      this.#connection.send<string | null>(['HGET', this.#keys.dropped, group]),
      info.lag ?? this.#countAfter(lastDeliveredId),
    ])
    const [pendingCount, oldestPendingId] = pending
    const waitingForRetry = Number(consumers.find(({ name }) => name === RETRY_CONSUMER)?.pending ?? 0)
    const unhandled = [oldestPendingId, next[0]?.[0]].filter((id) => typeof id === 'string').sort(compareIds)
    return {
      group,
      lag: Number(lag),
      pending: pendingCount - waitingForRetry,
      waitingForRetry,
      oldestUnhandledMs: unhandled[0] ? Math.max(0, Math.round(nowMs - timeOf(unhandled[0]))) : 0,
      deadLetters,
      droppedUnread: Number(droppedUnread ?? 0),
      lastDeliveredId,
      consumers: consumers
        .filter(({ name }) => name !== RETRY_CONSUMER)
        .map(({ name, pending, idle }) => ({ name: String(name), pending: Number(pending), idleMs: Number(idle) })),
    }
  }

  /** Counts the lag where XINFO does not know it: after an XDEL or SETID, XINFO says nil. */
  async #countAfter(id: string): Promise<number> {
    let count = 0
    let after: string | null = id
    while (after !== null) {
      const keys = { stream: this.#keys.stream }
      const reply = await this.#connection.run(COUNT_AFTER, keys, { after, atMost: COUNT_PAGE })
      const [size, lastId] = reply as [size: number, lastId: string | null]
      count += size
      after = size < COUNT_PAGE ? null : lastId
    }
    return count
  }
}
