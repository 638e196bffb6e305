import { timeOf } from '../base/entry-id.ts'
import { type Fields, fieldOf } from '../define/entry.ts'
import type { Connection } from './connection.ts'
import { type ConsumerState, consumerStatesOf, type RawConsumer } from './consumer-state.ts'
import { type GroupState, groupStateOf, type RawGroup, type StreamState } from './inspect.ts'
import type { Keys } from './keys.ts'
import { CountedLags, type Lag } from './lag.ts'
import { type NewestLetters, type RawLetters, SeenLetters } from './newest-letters.ts'
import { holderOf } from './pseudo-consumers.ts'
import { WATCH } from './scripts/watch.ts'

/** A pending entry, as its owner has it. */
export interface HeldEntry {
  entryId: string
  /** Milliseconds since it was delivered, or its lease was last extended. */
  idleMs: number
  /** Deliveries so far, this one included. */
  attempt: number
}

export interface Holder extends ConsumerState {
  /** The oldest of what it holds; `pending` says how many there are. */
  entries: HeldEntry[]
}

/** A name in a group, and who stands behind it. */
export type NameInGroup = Pick<Holder, 'name' | 'consumer' | 'role'>

/** Entries that were taken from a consumer whose lease was over, in one step: of many entries, each step is a takeover. */
export interface Takeover {
  id: string
  /** When, in milliseconds since the epoch, by Redis' clock. */
  at: number
  from: NameInGroup
  to: NameInGroup
  count: number
  /** For how long the entry that waited longest had shown no sign of life. Milliseconds. */
  idleMs: number
  /** At most 50. */
  entryIds: string[]
}

export interface WatchedGroup extends Omit<GroupState, 'consumers'> {
  /** How many names the group has behind which a process stands, or stood. */
  consumers: number
  /** Deliveries that failed since the group exists: what was retried or dead-lettered. */
  failed: number
  /**
   * Entries that the group has settled since it exists, for good or as dead letters; undefined where Redis does not know.
   * Only its growth tells something.
   */
  settled: number | undefined
  /** The longest lease among its consumers, in milliseconds. Undefined: none has told its lease. */
  leaseMs: number | undefined
  /** Undefined for a group that was not looked into. */
  holders: Holder[] | undefined
  /** The last ones, newest first: Redis keeps 50. Undefined for a group that was not looked into. */
  takeovers: Takeover[] | undefined
  /** Undefined for a group that was not looked into, and where no letters are asked for. */
  newestLetters: NewestLetters | undefined
}

export interface StreamLook extends Omit<StreamState, 'groups'> {
  /** Redis' clock, in milliseconds since the epoch. */
  nowMs: number
  groups: WatchedGroup[]
}

export interface LookOptions {
  /** The groups to look into. */
  groups: readonly string[]
  /** Entries shown, of all these groups together. */
  entries: number
  /** Entries shown under one name. */
  perName: number
  /** Takeovers shown of each of these groups. */
  takeovers: number
  /** Dead letters shown of each of these groups. */
  letters: number
}

type RawHeld = [name: string, ...[entryId: string, idleMs: number, attempt: number][]]
type RawWatched = [
  ...[state: RawGroup, failed: string | number, leaseMs: number, read: number | null, consumers: number],
  ...[named: RawConsumer[], held: RawHeld[] | null, takeovers: [id: string, fields: Fields][] | null],
  ...[letters: RawLetters],
]

/** Looks at every group at once, and into some of them. */
export class WatchBroker {
  readonly #connection: Connection
  readonly #keys: Keys
  readonly #lags: CountedLags
  readonly #letters = new SeenLetters()

  constructor(connection: Connection, keys: Keys) {
    this.#connection = connection
    this.#keys = keys
    this.#lags = new CountedLags(connection, keys.stream)
  }

  async look({ groups, ...bounds }: LookOptions): Promise<StreamLook> {
    const { stream, dropped, groupFormat } = this.#keys
    const args = this.#letters.wordsOf(groups)
    const reply = await this.#connection.run(WATCH, { stream, dropped }, { groupFormat, ...bounds }, { args })
    const [nowMs, length, ...found] = reply as [nowMs: number, length: number, ...RawWatched[]]
    const { name, version, warnings = [] } = this.#connection.server ?? {}
    const unknown = found.filter(([[, lag]]) => lag === null)
    await this.#lags.count(unknown.map(([[group, , , , , , lastDeliveredId]]) => ({ group, lastDeliveredId })))
    this.#letters.take(found.map(([[group], , , , , , , , letters]) => [group, letters]))
    const watched = found.map((raw) => ({
      ...watchedOf(raw, { nowMs, ...this.#lagOf(raw) }),
      newestLetters: this.#letters.of(raw[0][0]),
    }))
    return { nowMs, server: { name, version, warnings }, stream, length, groups: watched }
  }

  #lagOf([[group, lag]]: RawWatched): Lag {
    return lag === null ? this.#lags.of(group) : { lag, isLagExact: true }
  }
}

function watchedOf(raw: RawWatched, known: Lag & { nowMs: number }): Omit<WatchedGroup, 'newestLetters'> {
  const [state, failed, leaseMs, read, consumers, named, held, takeovers] = raw
  const { consumers: _, ...group } = groupStateOf([...state, ...named] as RawGroup, known)
  return {
    ...group,
    consumers,
    failed: Number(failed),
    settled: read === null ? undefined : read - state[2],
    leaseMs: leaseMs === 0 ? undefined : leaseMs,
    holders: held === null ? undefined : holdersOf(named, held),
    takeovers: takeovers?.map(([id, fields]) => takeoverOf(id, fields)),
  }
}

function holdersOf(named: readonly RawConsumer[], held: readonly RawHeld[]): Holder[] {
  const entriesOf = new Map(held.map(([name, ...entries]) => [name, entries]))
  return consumerStatesOf(named).map((state) => ({
    ...state,
    entries: (entriesOf.get(state.name) ?? []).map(([entryId, idleMs, attempt]) => ({ entryId, idleMs, attempt })),
  }))
}

function takeoverOf(id: string, fields: Fields): Takeover {
  const text = (name: string) => fieldOf(fields, name) ?? ''
  const entryIds = text('ids').split(' ').filter(Boolean)
  return {
    ...{ id, at: timeOf(id), from: nameInGroup(text('from')), to: nameInGroup(text('to')) },
    ...{ count: Number(text('count')), idleMs: Number(text('idle')), entryIds },
  }
}

const nameInGroup = (name: string): NameInGroup => ({ name, ...holderOf(name) })
