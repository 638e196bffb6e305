import { z } from 'zod'
import { compareIds, isEntryId, isoTimeOf } from '../base/entry-id.ts'
import { type EntryView, FindBroker } from '../broker/find.ts'
import { Keys } from '../broker/keys.ts'
import { type Fields, fieldOf, redriveOf } from '../define/entry.ts'
import { parseOptions } from '../define/parse-options.ts'
import type { RedisOptions } from '../define/redis-options.ts'
import { entryIdSchema } from '../define/start-point.ts'
import type { StreamDefinition } from '../define/stream.ts'
import { connect, type OperatorOptions, once } from './connect.ts'
import { type EventState, stateOf } from './event-state.ts'
import { type DeadLetter, toLetter } from './letter.ts'

/** One entry that an event is, or was, in. */
export interface FoundEntry {
  entryId: string
  /** When it was appended, by Redis' clock. RFC 3339. Undefined where the entry id names no time. */
  publishedAt: string | undefined
  /** False: it was trimmed or deleted, or there never was such an entry. */
  isInStream: boolean
  eventId: string | undefined
  eventType: string | undefined
  /** The only group that this entry is for: it was redriven. The other groups acknowledge it unrun. */
  redrivenFor: string | undefined
  /** The fields of the entry with the data of the event, flat: field, value … Undefined where nobody has them any more. */
  fields: Fields | undefined
  /** One for each group of the stream. */
  groups: { group: string; state: EventState }[]
}

export interface FoundEvent {
  /** Newest first. Several: the event was redriven, or published again later. None: the event id is not known. */
  entries: FoundEntry[]
  /** Every dead letter of the event (or, where an entry id was asked for, the newest one of each group). */
  letters: DeadLetter[]
}

export interface FindOptions {
  /** What the id is. Default: an entry id if it looks like one (`1764043200123-0`), else an event id. */
  idOf?: 'event' | 'entry'
  /** Gives the search up: `find` rejects with the signal's reason. */
  signal?: AbortSignal
  /** Called after each page: how many entries and letters were looked at, of at most how many. */
  onProgress?: (progress: { looked: number; of: number }) => void
}

export interface Finder {
  /**
   * Says where an event is, and what each group has done with it. An entry is looked up directly. An event id is looked up
   * in the deduplication, and then searched for in the stream, newest first, down to the entry in which it was first
   * appended as far as the deduplication remembers, or else to the oldest one. Letters are searched newest first, too.
   * Redis looks at up to 500 entries a call: a million take some seconds, and hold nobody up.
   * @throws {RedisUnavailableError} when Redis does not answer in time.
   */
  find(id: string, options?: FindOptions): Promise<FoundEvent>
  /** Idempotent. */
  close(): Promise<void>
}

const findSchema = z.object({ id: z.string().min(1), idOf: z.enum(['event', 'entry']).optional() })

type Wanted = { eventId: string } | { entryId: string }

/** For finding again and again: opens one connection, which heals itself. */
export function openFinder(stream: Pick<StreamDefinition, 'name'>, options: OperatorOptions): Finder {
  const { connection, ready, close } = connect(options, 'find')
  const broker = new FindBroker(connection, new Keys(stream.name))
  return {
    async find(id, given = {}) {
      const wanted = wantedOf(id, given)
      await ready()
      return new Search(broker, wanted, given).run()
    },
    close,
  }
}

/** Finds one event; see `Finder`. */
export async function findEvent(
  stream: Pick<StreamDefinition, 'name'>,
  id: string,
  { redis, ...options }: FindOptions & { redis: RedisOptions },
): Promise<FoundEvent> {
  return once(openFinder(stream, { redis }), (finder) => finder.find(id, options))
}

function wantedOf(id: string, { idOf }: FindOptions): Wanted {
  const parsed = parseOptions('find', findSchema, { id, idOf })
  const isEntry = parsed.idOf === undefined ? isEntryId(id) : parsed.idOf === 'entry'
  return isEntry ? { entryId: parseOptions('find: id', entryIdSchema, id) } : { eventId: id }
}

/** One search. Entries are looked up before letters are searched: what dies meanwhile has its letter when they are. */
class Search {
  readonly #broker: FindBroker
  readonly #wanted: Wanted
  readonly #options: FindOptions
  readonly #entries = new Map<string, EntryView>()
  readonly #letters: DeadLetter[] = []
  #looked = 0
  #of = 0

  constructor(broker: FindBroker, wanted: Wanted, options: FindOptions) {
    this.#broker = broker
    this.#wanted = wanted
    this.#options = options
  }

  async run(): Promise<FoundEvent> {
    const groups = (await this.#broker.lookUp('0-0')).groups.map(({ group }) => group)
    const sizes = await Promise.all(groups.map((group) => this.#broker.size(group)))
    this.#of = sizes.reduce((sum, size) => sum + size, 0)
    if ('entryId' in this.#wanted) await this.#lookUp([this.#wanted.entryId])
    else await this.#searchStream(this.#wanted.eventId)
    for (const group of groups) await this.#searchLetters(group)
    // Anybody may have written a letter.
    await this.#lookUp(this.#letters.map(({ entryId }) => entryId).filter(isEntryId))
    const views = [...this.#entries.values()].sort((a, b) => compareIds(b.entryId, a.entryId))
    return { entries: views.map((view) => this.#toEntry(view)), letters: this.#letters }
  }

  async #searchStream(eventId: string): Promise<void> {
    const remembered = await this.#broker.remembered(eventId)
    const [downTo] = remembered.sort(compareIds)
    this.#of += await this.#broker.size()
    const ids = new Set(remembered)
    for await (const found of this.#pages({ downTo })) for (const [id] of found) ids.add(id)
    await this.#lookUp(ids)
  }

  async #searchLetters(group: string): Promise<void> {
    for await (const found of this.#pages({ letters: group })) {
      const letters = found.map(([id, fields]) => toLetter(id, group, fields))
      this.#letters.push(...letters.filter(({ reason }) => reason !== 'unreadable'))
      if ('entryId' in this.#wanted && letters.length > 0) return
    }
  }

  async *#pages(where: { letters?: string; downTo?: string | undefined }) {
    const { signal, onProgress } = this.#options
    signal?.throwIfAborted()
    for await (const { looked, found } of this.#broker.search({ ...where, wanted: this.#wanted })) {
      this.#looked += looked
      onProgress?.({ looked: this.#looked, of: Math.max(this.#looked, this.#of) })
      yield found
      signal?.throwIfAborted()
    }
  }

  async #lookUp(entryIds: Iterable<string>): Promise<void> {
    for (const id of entryIds) if (!this.#entries.has(id)) this.#entries.set(id, await this.#broker.lookUp(id))
  }

  #toEntry(view: EntryView): FoundEntry {
    const { entryId } = view
    const letters = this.#letters.filter((letter) => letter.entryId === entryId)
    const fields = view.fields ?? letters[0]?.fields
    return {
      entryId,
      publishedAt: isoTimeOf(entryId),
      isInStream: view.fields !== undefined,
      eventId: fields && fieldOf(fields, 'id'),
      eventType: fields && fieldOf(fields, 'type'),
      redrivenFor: fields && redriveOf(fields)?.group,
      fields,
      groups: view.groups.map((group) => {
        const letter = letters.find((one) => one.group === group.group)
        return { group: group.group, state: stateOf(view, group, letter) }
      }),
    }
  }
}
