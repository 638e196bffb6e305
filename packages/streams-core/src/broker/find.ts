import { type ControlsState, inForceOf, stateOf } from '../define/controls.ts'
import type { Fields } from '../define/entry.ts'
import type { Connection } from './connection.ts'
import type { Keys } from './keys.ts'
import { decodeHistory, type FailedDelivery } from './letter-codec.ts'
import { LOOK_UP, SEARCH } from './scripts/find.ts'

/** Who has an entry in a group; undefined: it is not pending. */
export interface PendingEntry {
  owner: string
  /** Redis' clock, in milliseconds since 1970, when its lease was last extended, or it was delivered, or parked. */
  touchedAt: number
  /** Milliseconds since then. */
  idleMs: number
  deliveries: number
  /** By Redis' clock; undefined where none is noted. */
  dueAt: number | undefined
  /** Since when its handler runs, by Redis' clock; undefined where none is noted. */
  runningSince: number | undefined
  history: FailedDelivery[]
}

export interface GroupView {
  group: string
  lastDeliveredId: string
  /** Where an operator has put the group last, and when, by Redis' clock in milliseconds since 1970. */
  lastStart: { after: string; at: number } | undefined
  pending: PendingEntry | undefined
  /** Undefined where the group has done with the entry. */
  workers: Workers | undefined
}

/** What a group goes on with, or is held up by. */
export interface Workers {
  controls: ControlsState
  /** See `GroupState.alive` and `GroupState.silentMs`. */
  alive: number
  silentMs: number | undefined
  /** The longest lease among its consumers, in milliseconds. Undefined: none has told its lease. */
  leaseMs: number | undefined
  /** The consumer that owns the entry: when it last gave a sign of life, under whatever name, and its own lease. */
  holder: { silentMs: number; leaseMs: number } | undefined
}

export interface EntryView {
  /** When it was looked up, by Redis' clock in milliseconds since 1970. */
  asOf: number
  entryId: string
  /** Undefined: the stream does not hold it. */
  fields: Fields | undefined
  /** The newest id that the stream has given. */
  newestId: string
  /** The oldest entry that the stream holds; undefined where it holds none. */
  oldestId: string | undefined
  groups: GroupView[]
}

export interface SearchOptions {
  /** Search in the dead letters of this group. Default: in the stream. */
  letters?: string
  /** An entry id: of the entry that the letters, or in the stream the redriven entries, were made of. */
  wanted: { eventId: string } | { entryId: string }
  /** The oldest id to look at. Default: the first. */
  downTo?: string | undefined
  /** Look only at what is newer than this id. */
  newerThan?: string
}

type RawGroup = [
  ...[group: string, lastDeliveredId: string, owner: string | null, idleMs: number, deliveries: number],
  ...[due: string | null, aheadMs: number, history: string | null, startAfter: string | null, startAt: string | null],
  ...[run: string | null, workers: RawWorkers | null],
]
type RawWorkers = [
  ...[controls: string[], alive: number, silentMs: number | null, leaseMs: number],
  ...[holderSilentMs: number | null, holderLeaseMs: number],
]

/** Calls of one script may see times that lie some milliseconds apart. */
const SLACK_MS = 10

type RawView = [nowMs: number, fields: string[] | null, newestId: string, oldestId: string | null, ...RawGroup[]]

/** Reads where an event is. */
export class FindBroker {
  readonly #connection: Connection
  readonly #keys: Keys

  constructor(connection: Connection, keys: Keys) {
    this.#connection = connection
    this.#keys = keys
  }

  /** The entries of an event id that the deduplication remembers. */
  async remembered(eventId: string): Promise<string[]> {
    const ask = (place: 0 | 1) =>
      this.#connection.send<string | null>(['HGET', this.#keys.dedupeBucket(place), eventId])
    const found = await Promise.all([ask(0), ask(1)])
    return found.filter((entryId) => entryId !== null)
  }

  async lookUp(entryId: string): Promise<EntryView> {
    const { stream, groupFormat } = this.#keys
    const reply = await this.#connection.run(LOOK_UP, { stream }, { entryId, groupFormat })
    const [nowMs, fields, newestId, oldestId, ...groups] = reply as RawView
    return {
      ...{ asOf: nowMs, entryId, fields: fields ?? undefined, newestId, oldestId: oldestId ?? undefined },
      groups: groups.map((raw) => toGroup(raw, nowMs)),
    }
  }

  /** The fields of the letter with this id. */
  letter(group: string, letterId: string): Promise<Fields | undefined> {
    return this.#fieldsIn(this.#keys.dead(group), letterId)
  }

  /** The fields of an entry. */
  entry(entryId: string): Promise<Fields | undefined> {
    return this.#fieldsIn(this.#keys.stream, entryId)
  }

  /** How many entries a search looks at. */
  async size(letters?: string): Promise<number> {
    return this.#connection.send<number>(['XLEN', this.#searched(letters)])
  }

  /** Newest first, page by page: how many entries a page had, and those that were found among them. */
  async *search({ letters, wanted, downTo = '-', newerThan }: SearchOptions) {
    const keys = { searched: this.#searched(letters) }
    const end = newerThan === undefined ? downTo : `(${newerThan}`
    const words = { downTo: end, inLetters: letters === undefined ? 0 : 1, eventId: '', entryId: '', ...wanted }
    let before: string | null = '+'
    while (before !== null) {
      const args: Record<keyof typeof words | 'before', string | number> = { ...words, before }
      const reply = await this.#connection.run(SEARCH, keys, args)
      const [looked, next, ...found] = reply as [number, string | null, ...[id: string, fields: string[]][]]
      yield { looked, found }
      before = next
    }
  }

  async #fieldsIn(key: string, id: string): Promise<Fields | undefined> {
    const [found] = await this.#connection.send<[id: string, fields: string[]][]>(['XRANGE', key, id, id])
    return found?.[1]
  }

  #searched(letters: string | undefined): string {
    return letters === undefined ? this.#keys.stream : this.#keys.dead(letters)
  }
}

function toGroup(raw: RawGroup, nowMs: number): GroupView {
  const [group, lastDeliveredId, owner, idleMs, deliveries, due, aheadMs, history, after, at, run, workers] = raw
  const dueAt = due === null ? undefined : Number(due) - aheadMs
  const touchedAt = nowMs - idleMs
  const runningSince = run === null ? undefined : sinceIn(run, deliveries, touchedAt)
  const pending = { touchedAt, idleMs, deliveries, dueAt, runningSince, history: historyIn(history ?? '') }
  const lastStart = after === null ? undefined : { after, at: Number(at) }
  return {
    ...{ group, lastDeliveredId, lastStart },
    pending: owner === null ? undefined : { owner, ...pending },
    workers: workers === null ? undefined : toWorkers(workers),
  }
}

function toWorkers([controls, alive, silentMs, leaseMs, holderSilentMs, holderLeaseMs]: RawWorkers): Workers {
  return {
    ...{ controls: stateOf(inForceOf(controls)), alive, silentMs: silentMs ?? undefined },
    leaseMs: leaseMs || undefined,
    holder: holderSilentMs === null ? undefined : { silentMs: holderSilentMs, leaseMs: holderLeaseMs },
  }
}

/**
 * What was noted of a run counts only for the delivery that it was noted of. An extension notes a run and touches its
 * entry, so an entry that was touched later has come back since, for which the attempt need not change.
 */
function sinceIn(run: string, deliveries: number, touchedAt: number): number | undefined {
  const [attempt, since = Number.NaN, notedAt = Number.NaN] = run.split(' ').map(Number)
  const isOfThisDelivery = attempt === deliveries && touchedAt <= notedAt + SLACK_MS
  return isOfThisDelivery && Number.isSafeInteger(since) ? since : undefined
}

function historyIn(text: string): FailedDelivery[] {
  try {
    return decodeHistory(text)
  } catch {
    return []
  }
}
