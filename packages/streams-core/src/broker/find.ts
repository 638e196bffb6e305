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
  deliveries: number
  /** By Redis' clock; undefined where none is noted. */
  dueAt: number | undefined
  history: FailedDelivery[]
}

export interface GroupView {
  group: string
  lastDeliveredId: string
  /** Where an operator has put the group last, and when, by Redis' clock in milliseconds since 1970. */
  lastStart: { after: string; at: number } | undefined
  pending: PendingEntry | undefined
}

export interface EntryView {
  entryId: string
  /** Undefined: the stream does not hold it. */
  fields: Fields | undefined
  /** The newest id that the stream has given. */
  newestId: string
  groups: GroupView[]
}

export interface SearchOptions {
  /** Search in the dead letters of this group. Default: in the stream. */
  letters?: string
  wanted: { eventId: string } | { entryId: string }
  /** The oldest id to look at. Default: the first. */
  downTo?: string
}

type RawGroup = [
  ...[group: string, lastDeliveredId: string, owner: string | null, idleMs: number, deliveries: number],
  ...[due: string | null, aheadMs: number, history: string | null, startAfter: string | null, startAt: string | null],
]

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
    const [nowMs, fields, newestId, ...groups] = reply as [number, string[] | null, string, ...RawGroup[]]
    return { entryId, fields: fields ?? undefined, newestId, groups: groups.map((raw) => toGroup(raw, nowMs)) }
  }

  /** How many entries a search looks at. */
  async size(letters?: string): Promise<number> {
    return this.#connection.send<number>(['XLEN', this.#searched(letters)])
  }

  /** Newest first, page by page: how many entries a page had, and those that were found among them. */
  async *search({ letters, wanted, downTo = '-' }: SearchOptions) {
    const keys = { searched: this.#searched(letters) }
    const words = { downTo, inLetters: letters === undefined ? 0 : 1, eventId: '', entryId: '', ...wanted }
    let before: string | null = '+'
    while (before !== null) {
      const args: Record<keyof typeof words | 'before', string | number> = { ...words, before }
      const reply = await this.#connection.run(SEARCH, keys, args)
      const [looked, next, ...found] = reply as [number, string | null, ...[id: string, fields: string[]][]]
      yield { looked, found }
      before = next
    }
  }

  #searched(letters: string | undefined): string {
    return letters === undefined ? this.#keys.stream : this.#keys.dead(letters)
  }
}

function toGroup(raw: RawGroup, nowMs: number): GroupView {
  const [group, lastDeliveredId, owner, idleMs, deliveries, due, aheadMs, history, after, at] = raw
  const dueAt = due === null ? undefined : Number(due) - aheadMs
  const pending = { touchedAt: nowMs - idleMs, deliveries, dueAt, history: historyIn(history ?? '') }
  const lastStart = after === null ? undefined : { after, at: Number(at) }
  return { group, lastDeliveredId, lastStart, pending: owner === null ? undefined : { owner, ...pending } }
}

function historyIn(text: string): FailedDelivery[] {
  try {
    return decodeHistory(text)
  } catch {
    return []
  }
}
