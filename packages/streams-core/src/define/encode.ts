import { InvalidEventError, messageOf } from '../base/errors.ts'
import { checkData } from './check-data.ts'
import {
  type EventAttributes,
  LAYOUTS,
  layoutOf,
  problemOfAttributes,
  REPLACEMENT,
  shorten,
  sizeOf,
  survives,
} from './entry.ts'
import type { Catalog } from './stream.ts'

/** An event as it is stored. */
export interface EncodedEvent {
  /** The names of its fields: an index in `LAYOUTS`. */
  readonly layout: number
  /** The values of these fields. The first is the event id. */
  readonly values: readonly string[]
  /** Bytes of names and values. */
  readonly size: number
  /** Why the catalog refuses the event, if it does. It names no data. */
  readonly misfit: string | undefined
}

/** Bytes of the names in each layout. */
const SIZES = LAYOUTS.map(sizeOf)

/**
 * Event → entry. The data is stored as JSON, and the schema checks what is parsed from that JSON: so the handler gets
 * what is accepted here.
 * @param takesMisfits Whether an event is taken although the catalog refuses it.
 * @throws {InvalidEventError} naming the path.
 */
export function encode(
  catalog: Catalog,
  type: string,
  data: unknown,
  given: EventAttributes,
  maxBytes: number,
  takesMisfits = false,
): EncodedEvent {
  const problem = problemOfType(type) ?? problemOfAttributes(given) ?? problemOfText(given)
  if (problem) throw new InvalidEventError(`${shorten(type)}: ${problem}`)
  const json = toJson(type, data)

  // Exactly the fields of LAYOUTS[layout], in their order: PUBLISH takes them by position.
  const values = [given.id, type, given.source, given.time]
  if (given.subject !== undefined) values.push(given.subject)
  if (given.traceparent !== undefined) values.push(given.traceparent)
  if (given.traceparent !== undefined && given.tracestate !== undefined) values.push(given.tracestate)
  values.push(json)

  const layout = layoutOf(given)
  const size = sizeOf(values) + (SIZES[layout] ?? 0)
  if (size > maxBytes)
    throw new InvalidEventError(`${shorten(type)}: ${size} bytes, at most ${maxBytes} (maxEventBytes)`)
  const misfit = misfitOf(catalog, type, data, json)
  if (misfit && !takesMisfits) throw misfit
  return { layout, values, size, misfit: misfit?.message }
}

function misfitOf(catalog: Catalog, type: string, data: unknown, json: string): InvalidEventError | undefined {
  const schema = Object.hasOwn(catalog, type) ? catalog[type] : undefined
  if (!schema) {
    const known = Object.keys(catalog).join(', ')
    return new InvalidEventError(`unknown event type ${JSON.stringify(shorten(type))}, expected one of ${known}`)
  }
  const checked = checkData(schema, JSON.parse(json))
  return checked.ok ? undefined : new InvalidEventError(`${type}: ${checked.reason}${hintFor(data)}`, checked.path)
}

const LOST = 'holds a lone surrogate or U+FFFD, which do not survive storage'

function problemOfType(type: string): string | undefined {
  if (type === '') return 'type is empty'
  return survives(type) ? undefined : `type ${LOST}`
}

function problemOfText(given: EventAttributes): string | undefined {
  for (const name of ['id', 'source', 'subject', 'traceparent', 'tracestate'] as const) {
    const text = given[name]
    if (text !== undefined && !survives(text)) return `${name} ${LOST}`
  }
  return undefined
}

function toJson(type: string, data: unknown): string {
  let json: string | undefined
  try {
    json = JSON.stringify(data)
  } catch (error) {
    throw new InvalidEventError(`${type}: data cannot be written as JSON: ${messageOf(error)}`)
  }
  if (json === undefined) throw new InvalidEventError(`${type}: data cannot be written as JSON: it is ${typeof data}`)
  // Escaped, so that a raw U+FFFD in an entry always tells of bytes that are no UTF-8.
  return json.includes(REPLACEMENT) ? json.replaceAll(REPLACEMENT, '\\ufffd') : json
}

/** Values that JSON does not hold, and what to use instead of them. */
const notInJson: readonly [kind: string, isSuch: (value: unknown) => boolean, instead: string][] = [
  ['a Date', (value) => value instanceof Date, 'z.coerce.date() or z.iso.datetime()'],
  ['a Map', (value) => value instanceof Map, 'z.record() and an object'],
  ['a Set', (value) => value instanceof Set, 'z.array() and an array'],
  ['binary data', (value) => ArrayBuffer.isView(value) || value instanceof ArrayBuffer, 'z.base64() and a string'],
  ['a number that is not finite', (value) => typeof value === 'number' && !Number.isFinite(value), 'null or a string'],
]

/** Where the data holds such a value: what to use instead. */
function hintFor(data: unknown): string {
  try {
    const found = notInJson.find(([, isSuch]) => contains(data, isSuch))
    return found ? ` (the data holds ${found[0]}, which JSON cannot: use ${found[2]})` : ''
  } catch {
    // Nested too deep to be searched.
    return ''
  }
}

function contains(value: unknown, isSuch: (value: unknown) => boolean, seen = new Set<unknown>()): boolean {
  if (isSuch(value)) return true
  // A class with a toJSON of its own may hide a cycle.
  if (typeof value !== 'object' || value === null || seen.has(value)) return false
  seen.add(value)
  return Object.values(value).some((inner) => contains(inner, isSuch, seen))
}
