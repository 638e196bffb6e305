import { z } from 'zod'
import { InvalidEventError, messageOf } from '../base/errors.ts'
import type { Catalog, StreamEvent } from './stream.ts'

/** An entry as Redis stores it: field, value, field, value … Kept flat, because names may repeat in foreign entries. */
export type Fields = readonly string[]

const REDRIVE_FOR = 'redrivefor'
const REDRIVES = 'redrives'

/** What a redriven entry says of itself. */
export interface Redrive {
  /** The one group that the entry is for. */
  group: string
  /** How often the event has been redriven. */
  times: number
}

const attributes = ['id', 'type', 'source', 'time', 'subject', 'traceparent'] as const
const MAX_ID_LENGTH = 256
const RFC_3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/

export type Decoded = { ok: true; event: StreamEvent } | { ok: false; reason: string }

export interface PublishedAttributes {
  id: string
  source: string
  time: string
  subject?: string | undefined
  traceparent?: string | undefined
}

/**
 * Event → entry. The data is checked against its schema but stored as given: the schema runs again, on the same input,
 * in the consumer.
 * @throws {InvalidEventError} naming the path.
 */
export function encode(
  catalog: Catalog,
  type: string,
  data: unknown,
  given: PublishedAttributes,
  maxBytes: number,
): string[] {
  const schema = Object.hasOwn(catalog, type) ? catalog[type] : undefined
  if (!schema) {
    throw new InvalidEventError(
      `unknown event type ${JSON.stringify(type)}, expected one of ${Object.keys(catalog).join(', ')}`,
    )
  }
  const checked = schema.safeParse(data)
  if (!checked.success) {
    throw new InvalidEventError(`${type}: ${describeIssues(checked.error)}`, checked.error.issues[0]?.path)
  }
  const problem = problemOfAttributes(given)
  if (problem) throw new InvalidEventError(`${type}: ${problem}`)

  const fields: string[] = ['id', given.id, 'type', type, 'source', given.source, 'time', given.time]
  if (given.subject !== undefined) fields.push('subject', given.subject)
  if (given.traceparent !== undefined) fields.push('traceparent', given.traceparent)
  fields.push('data', toJson(type, data))

  const size = sizeOf(fields)
  if (size > maxBytes) throw new InvalidEventError(`${type}: ${size} bytes, at most ${maxBytes} (maxEventBytes)`)
  return fields
}

/** Entry → event. Never throws: whatever somebody has appended becomes an event or a reason. */
export function decode(catalog: Catalog, fields: Fields, maxBytes: number): Decoded {
  const size = sizeOf(fields)
  if (size > maxBytes) return malformed(`${size} bytes, at most ${maxBytes} (maxEventBytes)`)

  const entry = new Map<string, string>()
  for (let i = 0; i + 1 < fields.length; i += 2) {
    const name = fields[i] as string
    if (name === '__proto__') return malformed('a field is named "__proto__"')
    if (entry.has(name)) return malformed(`field ${JSON.stringify(shorten(name))} occurs twice`)
    entry.set(name, fields[i + 1] as string)
  }

  for (const name of ['id', 'type', 'source', 'time', 'data']) {
    if (!entry.has(name)) return malformed(`field "${name}" is missing`)
  }
  const [id, type, source, time, subject, traceparent] = attributes.map((name) => entry.get(name))
  const given = { id: id as string, source: source as string, time: time as string, subject, traceparent }
  const problem = problemOfAttributes(given)
  if (problem) return malformed(problem)

  const schema = Object.hasOwn(catalog, type as string) ? catalog[type as string] : undefined
  if (!schema) return malformed(`unknown event type ${JSON.stringify(shorten(type as string))}`)

  let json: unknown
  try {
    json = JSON.parse(entry.get('data') as string)
  } catch (error) {
    return malformed(`data is not JSON: ${shorten(messageOf(error))}`)
  }
  const data = parseSafely(schema, json)
  if (!data.ok) return malformed(`${type}: ${data.reason}`)

  return {
    ok: true,
    event: { ...withoutUndefined(given), type: type as string, data: data.value } as StreamEvent,
  }
}

/** The first value of a field; works for entries that do not decode, too. */
export function fieldOf(fields: Fields, name: string): string | undefined {
  for (let i = 0; i + 1 < fields.length; i += 2) if (fields[i] === name) return fields[i + 1]
  return undefined
}

/** Undefined: the entry was not redriven. */
export function redriveOf(fields: Fields): Redrive | undefined {
  const group = fieldOf(fields, REDRIVE_FOR)
  return group === undefined ? undefined : { group, times: Number(fieldOf(fields, REDRIVES)) || 0 }
}

/** The fields that a redriven entry gets. */
export function redriveFields({ group, times }: Redrive): string[] {
  return [REDRIVE_FOR, group, REDRIVES, String(times)]
}

function malformed(reason: string): Decoded {
  return { ok: false, reason }
}

function problemOfAttributes(given: PublishedAttributes): string | undefined {
  if (given.id === '') return 'id is empty'
  if (given.id.length > MAX_ID_LENGTH) return `id has ${given.id.length} characters, at most ${MAX_ID_LENGTH}`
  if (given.source === '') return 'source is empty'
  if (!RFC_3339.test(given.time) || Number.isNaN(Date.parse(given.time)))
    return `time ${JSON.stringify(shorten(given.time))} is not RFC 3339`
  return undefined
}

// A schema may run the user's own code (refine, transform), which may throw.
function parseSafely(schema: z.ZodType, json: unknown): { ok: true; value: unknown } | { ok: false; reason: string } {
  try {
    const parsed = schema.safeParse(json)
    return parsed.success ? { ok: true, value: parsed.data } : { ok: false, reason: describeIssues(parsed.error) }
  } catch (error) {
    return { ok: false, reason: `its schema threw: ${shorten(messageOf(error))}` }
  }
}

function describeIssues(error: z.core.$ZodError): string {
  return error.issues
    .slice(0, 5)
    .map((issue) => `data${issue.path.length ? `.${z.core.toDotPath(issue.path)}` : ''}: ${issue.message}`)
    .join('; ')
}

function toJson(type: string, data: unknown): string {
  let json: string | undefined
  try {
    json = JSON.stringify(data)
  } catch (error) {
    throw new InvalidEventError(`${type}: data cannot be written as JSON: ${messageOf(error)}`)
  }
  if (json === undefined) throw new InvalidEventError(`${type}: data cannot be written as JSON: it is ${typeof data}`)
  return json
}

/** Bytes of an entry's names and values. */
export function sizeOf(fields: Fields): number {
  let size = 0
  for (const text of fields) size += Buffer.byteLength(text)
  return size
}

const shorten = (text: string) => (text.length > 100 ? `${text.slice(0, 100)}…` : text)

function withoutUndefined<T extends object>(object: T): T {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as T
}
