import { samples } from '@redis-streams-processor/events'

// The one kind of event that every contestant carries: about 220 bytes of JSON.

export const TYPE = 'payment.confirmed'
/** The default of a producer's `source`. */
export const SOURCE = '/producer'

export type EventData = ReturnType<(typeof samples)[typeof TYPE]>

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
  return { id: crypto.randomUUID(), data: samples[TYPE](`user_${1_000 + (n % 5_000)}`, n) }
}

export const numberOf = ({ paymentId }: EventData): number => Number(paymentId.slice('pay_'.length))

export function envelope({ id, data }: BenchEvent): Envelope {
  return { id, type: TYPE, source: SOURCE, time: new Date().toISOString(), data }
}

/** Name, value, name, value … as this project's entries have them. */
export function fieldsOf(event: BenchEvent): string[] {
  const { id, type, source, time, data } = envelope(event)
  return ['id', id, 'type', type, 'source', source, 'time', time, 'data', JSON.stringify(data)]
}
