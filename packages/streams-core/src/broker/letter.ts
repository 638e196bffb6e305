import { isoTimeOf } from '../base/entry-id.ts'
import { type Fields, fieldOf } from '../define/entry.ts'
import type { letterReasons } from '../define/outcome.ts'
import { decodeLetter, type FailedDelivery } from './letter-codec.ts'

/** An event that was set aside, with its reason. */
export interface DeadLetter {
  letterId: string
  /** The entry that the event was in. */
  entryId: string
  group: string
  consumer: string
  /** `unreadable`: the entry was not written by this library. It is listed with its fields, and can only be purged. */
  reason: (typeof letterReasons)[number]
  error: string
  deliveries: number
  /** How often the event had been redriven before this death. */
  redrives: number
  /**
   * When the entry was appended, that is published or redriven, by Redis' clock. RFC 3339. Undefined where the entry id
   * names no time.
   */
  publishedAt: string | undefined
  /** RFC 3339. Undefined where it is not known. */
  diedAt: string | undefined
  history: FailedDelivery[]
  /** Undefined where a malformed entry has none. */
  eventId: string | undefined
  eventType: string | undefined
  /** The entry's own fields, flat: field, value, field, value … */
  fields: Fields
}

/** A dead letter as it is stored, made readable. */
export function toLetter(letterId: string, group: string, all: Fields): DeadLetter {
  const stored = decodeLetter(all) ?? unreadable(letterId, group, all)
  return {
    letterId,
    ...stored,
    publishedAt: stored.entryId ? isoTimeOf(stored.entryId) : undefined,
    eventId: fieldOf(stored.fields, 'id'),
    eventType: fieldOf(stored.fields, 'type'),
  }
}

function unreadable(letterId: string, group: string, fields: Fields) {
  return {
    ...{ entryId: '', group, consumer: '', reason: 'unreadable' as const, error: 'not written by this library' },
    ...{ deliveries: 0, redrives: 0, diedAt: isoTimeOf(letterId), history: [], fields },
  }
}
