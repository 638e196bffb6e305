/** An entry as Redis stores it: field, value, field, value … Kept flat, because names may repeat in foreign entries. */
export type Fields = readonly string[]

/** The attributes of an event besides its type and data. */
export interface EventAttributes {
  id: string
  source: string
  time: string
  subject?: string | undefined
  traceparent?: string | undefined
  /** Only beside a traceparent, without which it means nothing. */
  tracestate?: string | undefined
}

/**
 * The fields that an event may be stored with, in their order: one layout for each choice of the optional attributes.
 * `layoutOf` finds the layout of an event.
 */
export const LAYOUTS = [
  ['id', 'type', 'source', 'time', 'data'],
  ['id', 'type', 'source', 'time', 'subject', 'data'],
  ['id', 'type', 'source', 'time', 'traceparent', 'data'],
  ['id', 'type', 'source', 'time', 'subject', 'traceparent', 'data'],
  ['id', 'type', 'source', 'time', 'traceparent', 'tracestate', 'data'],
  ['id', 'type', 'source', 'time', 'subject', 'traceparent', 'tracestate', 'data'],
] as const

/** The index in `LAYOUTS` of the fields that these attributes need. */
export function layoutOf({ subject, traceparent, tracestate }: EventAttributes): number {
  // Counts like LAYOUTS: a subject adds 1; a traceparent 2, with tracestate 4.
  const traces = traceparent === undefined ? 0 : tracestate === undefined ? 2 : 4
  return (subject === undefined ? 0 : 1) + traces
}

const MAX_ID_LENGTH = 256
const RFC_3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/

/** What bytes that are no UTF-8 are decoded to. */
export const REPLACEMENT = '\ufffd'

const REDRIVE_FOR = 'redrivefor'
const REDRIVES = 'redrives'
export const REDRIVE_OF = 'redriveof'

/** What a redriven entry says of itself. */
export interface Redrive {
  /** The one group that the entry is for. */
  group: string
  /** How often the event has been redriven. */
  times: number
  /** The entry that had died. Undefined where an older version has redriven it. */
  of: string | undefined
}

/** The first value of a field; works for entries that do not decode, too. */
export function fieldOf(fields: Fields, name: string): string | undefined {
  for (let i = 0; i + 1 < fields.length; i += 2) if (fields[i] === name) return fields[i + 1]
  return undefined
}

/** Undefined: the entry was not redriven. */
export function redriveOf(fields: Fields): Redrive | undefined {
  const group = fieldOf(fields, REDRIVE_FOR)
  if (group === undefined) return undefined
  // Anybody may have written it.
  const times = Number(fieldOf(fields, REDRIVES))
  return { group, times: Number.isSafeInteger(times) && times >= 0 ? times : 0, of: fieldOf(fields, REDRIVE_OF) }
}

/** The fields that a redriven entry gets. */
export function redriveFields({ group, times, of }: Redrive & { of: string }): string[] {
  return [REDRIVE_FOR, group, REDRIVES, String(times), REDRIVE_OF, of]
}

function addedByRedrive(fields: Fields): string[] {
  const redrive = redriveOf(fields)
  return redrive ? redriveFields({ ...redrive, of: redrive.of ?? '' }) : []
}

/** What is wrong with the attributes of an event, if anything is. */
export function problemOfAttributes(given: EventAttributes): string | undefined {
  if (given.id === '') return 'id is empty'
  if (given.id.length > MAX_ID_LENGTH) return `id has ${given.id.length} characters, at most ${MAX_ID_LENGTH}`
  if (given.source === '') return 'source is empty'
  if (!isTime(given.time)) return `time ${JSON.stringify(shorten(given.time))} is not RFC 3339`
  return undefined
}

let lastTime = ''

/** Events in a row often have the same time: it is checked once (encoding takes a fifth less, decoding a tenth). */
function isTime(text: string): boolean {
  if (text === lastTime) return true
  if (!RFC_3339.test(text) || Number.isNaN(Date.parse(text))) return false
  lastTime = text
  return true
}

/** UTF-8 cannot hold half of a surrogate pair: two ids that differ only in it would be stored as one. */
export const survives = (text: string): boolean => text.isWellFormed() && !text.includes(REPLACEMENT)

/**
 * Whether it can be an event id: a text of 1 to 256 characters that is stored as it is, so without half of a surrogate
 * pair and without U+FFFD.
 */
export function isEventId(id: unknown): id is string {
  return typeof id === 'string' && id !== '' && id.length <= MAX_ID_LENGTH && survives(id)
}

/** Bytes of an entry's names and values. */
export function sizeOf(fields: Fields): number {
  let size = 0
  for (const text of fields) size += Buffer.byteLength(text)
  return size
}

/** UTF-8 has at most so many bytes for each unit of a JavaScript string. */
const MOST_BYTES = 3

/**
 * Bytes of an entry's names and values if they are more than `maxBytes`. Counted only where the lengths leave a doubt, and
 * without what a redrive has added: an event that could be published can be redriven.
 */
export function exceeds(fields: Fields, maxBytes: number): number | undefined {
  let length = 0
  for (const text of fields) length += text.length
  if (length * MOST_BYTES <= maxBytes) return undefined
  const size = sizeOf(fields) - sizeOf(addedByRedrive(fields))
  return size > maxBytes ? size : undefined
}

export const shorten = (text: string): string => (text.length > 100 ? `${text.slice(0, 100)}…` : text)
