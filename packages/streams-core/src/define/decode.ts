import { checkData } from './check-data.ts'
import { type Fields, problemOfAttributes, REPLACEMENT, shorten, sizeOf } from './entry.ts'
import type { Catalog, StreamEvent } from './stream.ts'

export type Decoded = { ok: true; event: StreamEvent } | { ok: false; reason: string }

/** The fields of an entry that are read; any others are ignored. */
const NOTHING_READ = {
  id: undefined,
  type: undefined,
  source: undefined,
  time: undefined,
  data: undefined,
  subject: undefined,
  traceparent: undefined,
  tracestate: undefined,
}
type FieldName = keyof typeof NOTHING_READ
const fieldNames = new Set<string>(Object.keys(NOTHING_READ))
const isFieldName = (name: string): name is FieldName => fieldNames.has(name)

/** Entry → event. Never throws: whatever somebody has appended becomes an event, or a reason why it is none. */
export function decode(catalog: Catalog, fields: Fields, maxBytes: number): Decoded {
  if (mayExceed(maxBytes, fields)) {
    const size = sizeOf(fields)
    if (size > maxBytes) return malformed(`${size} bytes, at most ${maxBytes} (maxEventBytes)`)
  }

  // An object of one shape and one loop take a fifth of the time that a Map and loops over lists of names take.
  const entry: Record<FieldName, string | undefined> = { ...NOTHING_READ }
  let others: Set<string> | undefined
  for (let i = 0; i + 1 < fields.length; i += 2) {
    const name = fields[i] as string
    const isKnown = isFieldName(name)
    if (isKnown ? entry[name] !== undefined : others?.has(name))
      return malformed(`field ${JSON.stringify(shorten(name))} occurs twice`)
    if (isKnown) {
      entry[name] = fields[i + 1]
    } else {
      if (name === '__proto__') return malformed('a field is named "__proto__"')
      others ??= new Set()
      others.add(name)
    }
  }

  const { id, type, source, time, data, subject, traceparent, tracestate } = entry
  if (id === undefined) return missing('id')
  if (type === undefined) return missing('type')
  if (source === undefined) return missing('source')
  if (time === undefined) return missing('time')
  if (data === undefined) return missing('data')
  const problem = problemOfAttributes({ id, source, time })
  if (problem) return malformed(problem)

  const schema = Object.hasOwn(catalog, type) ? catalog[type] : undefined
  if (!schema) return malformed(`unknown event type ${JSON.stringify(shorten(type))}`)

  let json: unknown
  try {
    json = JSON.parse(data)
  } catch {
    // Without the words of the parser, which quote the data.
    return malformed('data is not JSON')
  }
  const checked = checkData(schema, json)
  if (!checked.ok) return malformed(`${type}: ${checked.reason}`)
  // Two ids that differ only in such bytes would look alike, and so would two values.
  for (const text of fields)
    if (text.includes(REPLACEMENT)) return malformed('a name or value holds bytes that are not UTF-8')

  const event: { -readonly [K in keyof StreamEvent]: StreamEvent[K] } = { id, type, source, time, data: checked.value }
  if (subject !== undefined) event.subject = subject
  if (traceparent !== undefined) event.traceparent = traceparent
  if (tracestate !== undefined) event.tracestate = tracestate
  return { ok: true, event }
}

/** A character takes at most three bytes of UTF-8. So most entries are known to be small without counting bytes. */
function mayExceed(maxBytes: number, fields: Fields): boolean {
  let characters = 0
  for (const text of fields) characters += text.length
  return 3 * characters > maxBytes
}

function missing(name: FieldName): Decoded {
  return malformed(`field "${name}" is missing`)
}

function malformed(reason: string): Decoded {
  return { ok: false, reason }
}
