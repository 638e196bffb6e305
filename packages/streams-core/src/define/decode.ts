import { checkData } from './check-data.ts'
import { type Fields, problemOfAttributes, REPLACEMENT, shorten, sizeOf } from './entry.ts'
import type { Catalog, StreamEvent } from './stream.ts'

export type Decoded = { ok: true; event: StreamEvent } | { ok: false; reason: string }

const attributes = ['id', 'type', 'source', 'time', 'subject', 'traceparent'] as const

/** Entry → event. Never throws: whatever somebody has appended becomes an event, or a reason why it is none. */
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
  } catch {
    // Without the words of the parser, which quote the data.
    return malformed('data is not JSON')
  }
  const checked = checkData(schema, json)
  if (!checked.ok) return malformed(`${type}: ${checked.reason}`)
  // Two ids that differ only in such bytes would look alike, and so would two values.
  if (fields.some((text) => text.includes(REPLACEMENT)))
    return malformed('a name or value holds bytes that are not UTF-8')

  return {
    ok: true,
    event: { ...withoutUndefined(given), type: type as string, data: checked.value } as StreamEvent,
  }
}

function malformed(reason: string): Decoded {
  return { ok: false, reason }
}

function withoutUndefined<T extends object>(object: T): T {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as T
}
