import { timeOf } from '../base/entry-id.ts'
import type { Connection } from './connection.ts'
import { countEntries } from './count.ts'
import type { Keys } from './keys.ts'
import { RETRY_CONSUMER } from './pseudo-consumers.ts'
import { INSPECT } from './scripts/inspect.ts'
import type { ServerWarning } from './server-settings.ts'

export interface ConsumerState {
  name: string
  pending: number
  /** Milliseconds since the consumer last asked Redis for anything. */
  idleMs: number
}

export interface GroupState {
  group: string
  /** Entries that were not delivered to the group yet. Where Redis does not know, they are counted, up to 10,000. */
  lag: number
  /** False: Redis does not know the lag, and there are at least so many. */
  isLagExact: boolean
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

/** Where Redis does not know the lag, so many entries are counted. */
const MAX_COUNTED = 10_000

type RawGroup = [
  ...[group: string, lag: number | null, pending: number, oldestId: string | null, deadLetters: number],
  ...[droppedUnread: string | null, lastDeliveredId: string],
  ...[name: string, pending: number, idleMs: number][],
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
    const [group, knownLag, pendingOfAll, oldestId, deadLetters, droppedUnread, lastDeliveredId, ...consumers] = raw
    // After an XDEL or SETID, Redis does not know it.
    const counting = { after: lastDeliveredId, atMost: MAX_COUNTED }
    const lag = knownLag ?? (await countEntries(this.#connection, this.#keys.stream, counting)).count
    const waitingForRetry = consumers.find(([name]) => name === RETRY_CONSUMER)?.[1] ?? 0
    return {
      group,
      lag,
      isLagExact: knownLag !== null || lag < MAX_COUNTED,
      pending: pendingOfAll - waitingForRetry,
      waitingForRetry,
      oldestUnhandledMs: oldestId === null ? 0 : Math.max(0, nowMs - timeOf(oldestId)),
      deadLetters,
      droppedUnread: Number(droppedUnread ?? 0),
      lastDeliveredId,
      consumers: consumers
        .filter(([name]) => name !== RETRY_CONSUMER)
        .map(([name, pending, idleMs]) => ({ name, pending, idleMs })),
    }
  }
}
