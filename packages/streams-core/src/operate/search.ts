import { timeText } from '../base/clock.ts'
import { compareIds, isEntryId, isoTimeOf } from '../base/entry-id.ts'
import type { EntryView, FindBroker, SearchOptions } from '../broker/find.ts'
import { type DeadLetter, toLetter } from '../broker/letter.ts'
import { fieldOf, redriveOf } from '../define/entry.ts'
import { stateOf } from './event-state.ts'
import type { FindOptions, FoundEntry, FoundEvent } from './found.ts'
import { hindrancesOf } from './hindrance.ts'
import { type Copy, copiesIn, mayBeRedriven } from './redriven.ts'
import type { Wanted } from './wanted.ts'

const isPending = ({ groups }: EntryView) => groups.some(({ pending }) => pending !== undefined)

/** One search. Entries are looked up before letters are searched: what dies meanwhile has its letter when they are. */
export class Search {
  readonly #broker: FindBroker
  readonly #wanted: Wanted
  readonly #options: FindOptions
  readonly #entries = new Map<string, EntryView>()
  readonly #letters: DeadLetter[] = []
  /** Entries of which the deduplication remembers that they were appended. */
  readonly #remembered = new Set<string>()
  #looked = 0
  #of = 0

  constructor(broker: FindBroker, wanted: Wanted, options: FindOptions) {
    this.#broker = broker
    this.#wanted = wanted
    this.#options = options
  }

  async run(): Promise<FoundEvent> {
    const stream = await this.#broker.lookUp('0-0')
    const groups = stream.groups.map(({ group }) => group)
    const sizes = await Promise.all(groups.map((group) => this.#broker.size(group)))
    this.#of = sizes.reduce((sum, size) => sum + size, 0)
    if ('entryId' in this.#wanted) await this.#lookUp([this.#wanted.entryId])
    else await this.#searchStream(this.#wanted.eventId)
    for (const group of groups) await this.#searchLetters(group)
    if ('entryId' in this.#wanted && !this.#isKnown(this.#wanted.entryId))
      await this.#takeForLetter(this.#wanted.entryId, groups)
    // Anybody may have written a letter.
    await this.#lookUp(this.#letters.map(({ entryId }) => entryId).filter(isEntryId))
    // What was redriven meanwhile has no letter any more, and its copy lies beyond what was searched.
    if ('eventId' in this.#wanted) await this.#lookUpFound({ newerThan: stream.newestId })
    const views = [...this.#entries.values()].sort((a, b) => compareIds(b.entryId, a.entryId))
    const copies =
      'entryId' in this.#wanted
        ? await this.#searchCopies(this.#wanted.entryId)
        : copiesIn(views.map(({ entryId, fields = [] }) => [entryId, fields]))
    const knownSince = stream.oldestId === undefined ? undefined : isoTimeOf(stream.oldestId)
    const entries = views.map((view) => this.#toEntry(view, copies))
    return { asOf: timeText(stream.asOf), entries, letters: this.#letters, knownSince }
  }

  #isKnown(entryId: string): boolean {
    const view = this.#entries.get(entryId)
    return this.#letters.length > 0 || (view !== undefined && (view.fields !== undefined || isPending(view)))
  }

  /** There is no such entry, or not any more. If a dead letter has this id, its entry may be meant: it is found, too. */
  async #takeForLetter(id: string, groups: readonly string[]): Promise<void> {
    for (const group of groups) {
      const fields = await this.#broker.letter(group, id)
      if (fields) this.#letters.push(toLetter(id, group, fields))
    }
  }

  async #searchStream(eventId: string): Promise<void> {
    const remembered = await this.#broker.remembered(eventId)
    const [downTo] = remembered.sort(compareIds)
    for (const id of remembered) this.#remembered.add(id)
    this.#of += await this.#broker.size()
    await this.#lookUp(remembered)
    await this.#lookUpFound({ downTo })
  }

  /** Looks up what the stream, or this part of it, holds of the event. */
  async #lookUpFound(where: Pick<SearchOptions, 'downTo' | 'newerThan'>): Promise<void> {
    for await (const found of this.#pages(where)) await this.#lookUp(found.map(([id]) => id))
  }

  async #searchLetters(group: string): Promise<void> {
    for await (const found of this.#pages({ letters: group })) {
      const letters = found.map(([id, fields]) => toLetter(id, group, fields))
      this.#letters.push(...letters.filter(({ reason }) => reason !== 'unreadable'))
      if ('entryId' in this.#wanted && letters.length > 0) return
    }
  }

  /** The entries as which an entry was redriven, newest first. They were appended after it. */
  async #searchCopies(entryId: string): Promise<Copy[]> {
    const view = this.#entries.get(entryId)
    if (!view || !mayBeRedriven(view, this.#letters)) return []
    this.#of += await this.#broker.size()
    const copies: Copy[] = []
    for await (const found of this.#pages({ downTo: entryId })) copies.push(...copiesIn(found))
    return copies
  }

  async *#pages(where: Omit<SearchOptions, 'wanted'>) {
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

  #toEntry(view: EntryView, allCopies: readonly Copy[]): FoundEntry {
    const { entryId } = view
    const letters = this.#letters.filter((letter) => letter.entryId === entryId)
    const copies = allCopies.filter(({ of }) => of === entryId)
    const fields = view.fields ?? letters[0]?.fields
    const eventType = fields && fieldOf(fields, 'type')
    const wasAppended = isPending(view) || letters.length + copies.length > 0 || this.#remembered.has(entryId)
    return {
      ...{ entryId, publishedAt: isoTimeOf(entryId), isInStream: view.fields !== undefined },
      ...{ eventId: fields && fieldOf(fields, 'id'), eventType },
      redrivenFor: fields && redriveOf(fields)?.group,
      fields,
      groups: view.groups.map((group) => {
        const letter = letters.find((one) => one.group === group.group)
        const redrivenAs = copies.find((copy) => copy.group === group.group)?.entryId
        const state = stateOf(view, group, { letter, redrivenAs, wasAppended })
        return { group: group.group, state, hindrances: hindrancesOf(state, group, eventType) }
      }),
    }
  }
}
