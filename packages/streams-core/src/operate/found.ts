import type { DeadLetter } from '../broker/letter.ts'
import type { Fields } from '../define/entry.ts'
import type { EventState } from './event-state.ts'
import type { Hindrance } from './hindrance.ts'

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
  groups: FoundState[]
}

/** What a group has done with an entry, and why it does not go on with it. */
export interface FoundState {
  group: string
  state: EventState
  /** Empty where nothing keeps the group from going on, and where it has done with the entry. */
  hindrances: Hindrance[]
}

export interface FoundEvent {
  /** When the search began, by Redis' clock. RFC 3339. */
  asOf: string
  /** Newest first. Several: the event was redriven, or published again later. None: the event id is not known. */
  entries: FoundEntry[]
  /** Every dead letter of the event (or, where an entry id was asked for, the newest one of each group). */
  letters: DeadLetter[]
  /**
   * When the oldest entry that the stream holds was appended. RFC 3339. What was published before is not in the stream any
   * more: with the retention `acknowledged`, every group has handled it. Undefined: the stream is empty.
   */
  knownSince: string | undefined
}

export interface FindOptions {
  /**
   * What the id is. Default: an entry id if it looks like one (`1764043200123-0`), else an event id. The id of a dead letter
   * looks like that of an entry, too: where the stream does not hold such an entry, that of the letter is found beside it.
   */
  idOf?: 'event' | 'entry'
  /** Gives the search up: `find` rejects with the signal's reason. */
  signal?: AbortSignal
  /** Called after each page: how many entries and letters were looked at, of at most how many. */
  onProgress?: (progress: { looked: number; of: number }) => void
}
