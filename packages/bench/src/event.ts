import type { UserEvents } from '@redis-streams-processor/events'
import type { EventInput } from '@redis-streams-processor/streams-core'

// The one kind of event that every contestant carries: about 220 bytes of JSON. Only types are
// imported, so that the workers of other contestants do not load this project.

export const TYPE = 'payment.confirmed'
/** The default of a producer's `source`. */
export const SOURCE = '/producer'

export type EventData = EventInput<UserEvents, typeof TYPE>

export interface BenchEvent {
  id: string
  data: EventData
}

/** What stands in an entry, or in the message of a contestant that knows no fields. */
export interface Envelope extends BenchEvent {
  type: string
  source: string
  time: string
}

/** @param n A whole number to know the event by: `numberOf` finds it again. */
export function makeEvent(n: number): BenchEvent {
  const data = { userId: `user_${1_000 + (n % 5_000)}`, paymentId: `pay_${n}`, amountCents: 990, currency: 'EUR' }
  return { id: crypto.randomUUID(), data }
}

export const numberOf = ({ paymentId }: EventData): number => Number(paymentId.slice('pay_'.length))

let lastMs = Number.NaN
let lastTime = ''

/** The text of a time takes longer than much else of an event. As this project does, each contestant makes it once a millisecond. */
function timeText(ms: number): string {
  if (ms !== lastMs) {
    lastTime = new Date(ms).toISOString()
    lastMs = ms
  }
  return lastTime
}

export function envelope({ id, data }: BenchEvent): Envelope {
  return { id, type: TYPE, source: SOURCE, time: timeText(Date.now()), data }
}

/** Name, value, name, value … as this project's entries have them. */
export function fieldsOf(event: BenchEvent): string[] {
  const { id, type, source, time, data } = envelope(event)
  return ['id', id, 'type', type, 'source', source, 'time', time, 'data', JSON.stringify(data)]
}
