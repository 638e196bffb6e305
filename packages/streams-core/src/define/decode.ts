import { checkData } from './check-data.ts'
import { exceeds, type Fields, problemOfAttributes, REPLACEMENT, shorten } from './entry.ts'
import type { Catalog, StreamEvent } from './stream.ts'

export type Decoded = { ok: true; event: StreamEvent } | { ok: false; reason: string }

/** The fields that are read of an entry; any other fields are ignored. */
const NAMES = ['id', 'type', 'source', 'time', 'data', 'subject', 'traceparent', 'tracestate'] as const
const places = new Map<string, number>(NAMES.map((name, place) => [name, place]))

/** Entry → event. Never throws: whatever somebody has appended becomes an event, or a reason why it is none. */
export function decode(catalog: Catalog, fields: Fields, maxBytes: number): Decoded {
  const size = exceeds(fields, maxBytes)
  if (size) return malformed(`${size} bytes, at most ${maxBytes} (maxEventBytes)`)

  // One pass, and values by place: an object by names, and a loop for each question, took three times as long.
  const values: (string | undefined)[] = NAMES.map(() => undefined)
  let others: Set<string> | undefined
  let isUtf8 = true
  for (let i = 0; i + 1 < fields.length; i += 2) {
    const name = fields[i] as string
    const value = fields[i + 1] as string
    isUtf8 &&= !name.includes(REPLACEMENT) && !value.includes(REPLACEMENT)
    const place = places.get(name)
    if (place === undefined ? others?.has(name) : values[place] !== undefined)
      return malformed(`field ${JSON.stringify(shorten(name))} occurs twice`)
    if (place !== undefined) {
      values[place] = value
    } else {
      if (name === '__proto__') return malformed('a field is named "__proto__"')
      others ??= new Set()
      others.add(name)
    }
  }

  const [id, type, source, time, data, subject, traceparent, tracestate] = values
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
  if (!isUtf8) return malformed('a name or value holds bytes that are not UTF-8')

  const event: { -readonly [K in keyof StreamEvent]: StreamEvent[K] } = { id, type, source, time, data: checked.value }
  if (subject !== undefined) event.subject = subject
  if (traceparent !== undefined) event.traceparent = traceparent
  if (tracestate !== undefined) event.tracestate = tracestate
  return { ok: true, event }
}

function missing(name: (typeof NAMES)[number]): Decoded {
  return malformed(`field "${name}" is missing`)
}

function malformed(reason: string): Decoded {
  return { ok: false, reason }
}
