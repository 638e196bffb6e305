import { createHash } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import type { Source } from '@redis-streams-processor/events'
import { isEventId } from '@redis-streams-processor/streams-core'

/** What a delivery comes to: an event that is not published yet. */
export interface Received {
  id: string
  type: string
  subject: string | undefined
  time: Date | undefined
  data: unknown
}

export interface Delivery {
  headers: IncomingHttpHeaders
  body: Buffer
  /** What `body` holds. */
  json: unknown
}

/** RFC 3339 has four digits for the year. */
const FIRST_MS = Date.parse('0000-01-01T00:00:00Z')
const LAST_MS = Date.parse('9999-12-31T23:59:59Z')

/**
 * A signed delivery → an event. Whatever is in it becomes one: a sender that does not repeat would lose what is refused.
 * What is missing or cannot be stored is made up: an id from the body, so that a repetition is still recognised; the type
 * `<source>.unknown`; no subject; the time of the publish.
 * @throws what `toEvent` throws.
 */
export function toReceived(name: string, source: Source, delivery: Delivery): Received | { noEvent: string } {
  const event = source.toEvent(delivery.headers, delivery.json)
  if ('noEvent' in event) return event
  const type = 'type' in event ? event.type : event.foreignType
  const { subject, time, data } = event
  // Type and subject may be as long as an id, and hold what an id may.
  return {
    id: idOf(name, event.id, delivery.body),
    type: isEventId(type) ? type : unknownType(name),
    subject: isEventId(subject) ? subject : undefined,
    time: isStorableTime(time) ? time : undefined,
    data: data === undefined ? delivery.json : data,
  }
}

/** The same event with the whole delivery as its data, and so without the type that its source gave to other data. */
export function asItCame(name: string, event: Received, { json }: Delivery): Received {
  return { ...event, type: unknownType(name), data: json }
}

/** What a delivery comes to when nobody understands it. */
export function notUnderstood(name: string, { body, json }: Delivery): Received {
  return { id: idOf(name, undefined, body), type: unknownType(name), subject: undefined, time: undefined, data: json }
}

const unknownType = (name: string) => `${name}.unknown`

/** It carries the source, so that the ids of two senders cannot be the same. */
function idOf(name: string, given: string | undefined, body: Buffer): string {
  const id = `${name}:${given}`
  if (isEventId(given) && isEventId(id)) return id
  return `${name}:sha256-${createHash('sha256').update(body).digest('hex')}`
}

// Types are compiled, what a source finds in a delivery may be anything.
function isStorableTime(time: unknown): time is Date {
  return time instanceof Date && time.getTime() >= FIRST_MS && time.getTime() <= LAST_MS
}
