import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { InvalidEventError } from '../../src/base/errors.ts'
import { decode } from '../../src/define/decode.ts'
import { type EncodedEvent, encode } from '../../src/define/encode.ts'
import { type Fields, LAYOUTS, redriveFields } from '../../src/define/entry.ts'
import { catalog, foreignEntry } from '../support/events.ts'

const given = { id: 'e1', source: '/s', time: '2026-01-02T03:04:05.678Z' }
const MAX = 1_048_576

describe('an event that is taken although the catalog refuses it', () => {
  const misfitOf = (type: string, data: unknown) => encode(catalog, type, data, given, MAX, true).misfit

  test('nothing is said of one that it does not refuse', () => {
    expect(misfitOf('counted', { n: 1 })).toBeUndefined()
  })

  test.each<[string, unknown]>([
    ['counted', { n: 'one' }],
    ['counted', { n: Number.NaN }],
    ['foreign', { n: 1 }],
    ['toString', {}],
  ])('%s with %o: what publish would say', (type, data) => {
    const misfit = misfitOf(type, data)
    expect(misfit).toMatch(/./)
    expect(() => encode(catalog, type, data, given, MAX)).toThrow(misfit as string)
  })
})

describe('encode and decode', () => {
  test('round trip, with every attribute', () => {
    const all = { ...given, subject: 'user_1', traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01' }
    const decoded = decode(catalog, stored(encode(catalog, 'noted', { text: 'ä€𝄞' }, all, MAX)), MAX)
    expect(decoded).toMatchObject({ ok: true, event: { ...all, type: 'noted', data: { text: 'ä€𝄞' } } })
  })

  test.each<[string, object]>([
    ['a subject', { subject: 'user_1' }],
    ['an empty subject', { subject: '' }],
    ['a traceparent', { traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01' }],
  ])('round trip, with %s alone', (_, one) => {
    const encoded = encodeWith(one)
    const decoded = decode(catalog, stored(encoded), MAX)
    expect(decoded).toMatchObject({ ok: true, event: { ...given, ...one, data: { n: 1 } } })
    expect(encoded.size).toBe(Buffer.byteLength(stored(encoded).join('')))
  })

  test('publish takes the input of a schema, the handler gets its output', () => {
    const dated = { dated: z.object({ at: z.coerce.date() }) }
    const fields = stored(encode(dated, 'dated', { at: '2026-01-01T00:00:00Z' }, given, MAX))
    const decoded = decode(dated, fields, MAX)
    expect(decoded.ok && decoded.event.data).toEqual({ at: new Date('2026-01-01T00:00:00Z') })
  })

  test('extension attributes of foreign producers are allowed', () => {
    expect(decode(catalog, [...foreignEntry(), 'tenant', 'acme'], MAX).ok).toBe(true)
  })

  test.each<[string, () => unknown, string, readonly PropertyKey[]]>([
    ['wrong data', () => encode(catalog, 'counted', { n: 'x' }, given, MAX), 'counted: data.n: Invalid input', ['n']],
    [
      'unknown type',
      () => encode(catalog, 'toString', {}, given, MAX),
      'unknown event type "toString", expected one of counted, noted',
      [],
    ],
    ['cyclic', () => encode({ any: z.any() }, 'any', cycle(), given, MAX), 'any: data cannot be written as JSON', []],
    ['undefined', () => encode({ any: z.any() }, 'any', undefined, given, MAX), 'it is undefined', []],
    [
      'too large',
      () => encode(catalog, 'noted', { text: 'x'.repeat(2_000) }, given, 1_024),
      'at most 1024 (maxEventBytes)',
      [],
    ],
    ['empty id', () => encode(catalog, 'counted', { n: 1 }, { ...given, id: '' }, MAX), 'id is empty', []],
    ['a lone surrogate', () => encode(catalog, 'counted', { n: 1 }, { ...given, id: 'a\ud800' }, MAX), 'id holds', []],
    [
      'U+FFFD in the subject',
      () => encodeWith({ subject: 'Zo\ufffd' }),
      'subject holds a lone surrogate or U+FFFD',
      [],
    ],
  ])('encode refuses: %s', (_, encoding, message, path) => {
    expect(encoding).toThrow(InvalidEventError)
    expect(encoding).toThrow(message)
    expect(errorOf(encoding).path).toEqual(path)
  })

  test.each<[string, string[], string]>([
    ['no fields', [], 'field "id" is missing'],
    ['no data', foreignEntry().slice(0, -2), 'field "data" is missing'],
    ['empty id', foreignEntry({ id: '' }), 'id is empty'],
    ['endless id', foreignEntry({ id: 'x'.repeat(300) }), 'id has 300 characters, at most 256'],
    ['no JSON', foreignEntry({ data: '{' }), 'data is not JSON'],
    ['refused by the schema', foreignEntry({ data: '{"n":"1"}' }), 'counted: data.n: Invalid input'],
    ['unknown type', foreignEntry({ type: 'nope' }), 'unknown event type "nope"'],
    ['type from the prototype', foreignEntry({ type: 'constructor' }), 'unknown event type "constructor"'],
    ['type __proto__', foreignEntry({ type: '__proto__' }), 'unknown event type "__proto__"'],
    ['field __proto__', [...foreignEntry(), '__proto__', 'x'], 'a field is named "__proto__"'],
    ['repeated field', [...foreignEntry(), 'data', '{"n":2}'], 'field "data" occurs twice'],
    ['time of no calendar', foreignEntry({ time: '2026-13-45T00:00:00Z' }), 'is not RFC 3339'],
    ['time as a number', foreignEntry({ time: '1700000000' }), 'is not RFC 3339'],
    ['too large', foreignEntry({ data: ' '.repeat(MAX) }), 'at most 1048576 (maxEventBytes)'],
    ['too large in bytes alone', foreignEntry({ data: '€'.repeat(MAX / 2) }), 'at most 1048576 (maxEventBytes)'],
    ['deeply nested', foreignEntry({ data: '['.repeat(200_000) }), 'data is not JSON'],
  ])('decode refuses, without throwing: %s', (_, fields, reason) => {
    expect(decode(catalog, fields, MAX)).toMatchObject({ ok: false, reason: expect.stringContaining(reason) })
  })

  test('what a redrive adds does not make an event too large', () => {
    const published = foreignEntry({ data: `{"n":1,"more":"${'x'.repeat(500)}"}` })
    const size = published.join('').length
    const copy = [...published, ...redriveFields({ group: 'billing', times: 1, of: '1764043200123-0' })]
    expect(decode(catalog, published, size)).toMatchObject({ ok: true })
    expect(decode(catalog, copy, size)).toMatchObject({ ok: true })
    expect(decode(catalog, copy, size - 1)).toMatchObject({ ok: false })
    expect(decode(catalog, [...published, 'other', 'field'], size)).toMatchObject({ ok: false })
  })

  test('a schema that throws is a reason, not an exception', () => {
    const throwing = {
      bad: z.any().transform(() => {
        throw new Error('boom')
      }),
    }
    expect(decode(throwing, foreignEntry({ type: 'bad' }), MAX)).toMatchObject({
      ok: false,
      reason: 'bad: its schema threw: boom',
    })
  })
})

describe('what publish accepts, the handler gets', () => {
  const encodeAs = (schema: z.ZodType, data: unknown) => () => encode({ any: schema }, 'any', data, given, MAX)

  test.each<[string, z.ZodType, unknown, string]>([
    [
      'a date',
      z.object({ at: z.date() }),
      { at: new Date() },
      'data.at: Invalid input: expected date, received string',
    ],
    [
      'a date says what to use',
      z.object({ at: z.date() }),
      { at: new Date() },
      'use z.coerce.date() or z.iso.datetime()',
    ],
    ['a set', z.object({ all: z.set(z.string()) }), { all: new Set(['a']) }, 'the data holds a Set, which JSON cannot'],
    ['a map', z.object({ all: z.map(z.string(), z.int()) }), { all: new Map([['a', 1]]) }, 'the data holds a Map'],
    ['undefined in an array', z.array(z.string().optional()), ['a', undefined], 'expected string, received null'],
    ['bytes', z.object({ raw: z.instanceof(Uint8Array) }), { raw: new Uint8Array(2) }, 'the data holds binary data'],
    [
      'a class with toJSON',
      z.object({ url: z.instanceof(URL) }),
      { url: new URL('http://a') },
      'data.url: Invalid input',
    ],
    ['NaN', z.object({ n: z.nan() }), { n: Number.NaN }, 'the data holds a number that is not finite'],
    ['a cycle that its toJSON hides', z.string(), hiddenCycle(), 'expected string'],
    ['an asynchronous schema', z.string().refine(async () => true), 'a', 'its schema is asynchronous'],
    [
      'a schema that throws',
      z.string().refine(() => {
        throw new Error('boom')
      }),
      'a',
      'its schema threw: boom',
    ],
  ])('refused: %s', (_, schema, data, message) => {
    expect(encodeAs(schema, data)).toThrow(InvalidEventError)
    expect(encodeAs(schema, data)).toThrow(message)
  })

  test.each<[string, z.ZodType, unknown, unknown]>([
    ['a coerced date', z.coerce.date(), new Date(5), new Date(5)],
    ['a class with toJSON, as its JSON', z.url(), new URL('http://a.example/'), 'http://a.example/'],
    ['text with U+FFFD', z.string(), 'Zo\ufffd', 'Zo\ufffd'],
    ['text with a lone surrogate', z.string(), 'a\ud800', 'a\ud800'],
  ])('accepted and handed on: %s', (_, schema, data, handed) => {
    const decoded = decode({ any: schema }, stored(encodeAs(schema, data)()), MAX)
    expect(decoded).toMatchObject({ ok: true, event: { data: handed } })
  })
})

describe('bytes that are not UTF-8', () => {
  test.each(['id', 'subject', 'data'])('in %s make an entry malformed', (name) => {
    const value = name === 'data' ? '{"text":"Zo\ufffd"}' : 'Zo\ufffd'
    const entry = foreignEntry({ type: 'noted', data: '{"text":"x"}', [name]: value })
    expect(decode(catalog, entry, MAX)).toEqual({ ok: false, reason: 'a name or value holds bytes that are not UTF-8' })
  })
})

describe('a reason never quotes the data', () => {
  const strict = { strict: z.strictObject({}) }

  test.each<[string, string]>([
    ['not JSON', foreignEntry({ type: 'strict', data: 'tok_live_9aQ' }).at(-1) as string],
    ['an unknown key', JSON.stringify({ tok_live_9aQ: 1 })],
  ])('%s', (_, data) => {
    const decoded = decode(strict, foreignEntry({ type: 'strict', data }), MAX)
    expect(decoded.ok).toBe(false)
    expect(JSON.stringify(decoded)).not.toContain('tok_live_9aQ')
  })
})

/** The entry as Redis stores it. */
const stored = ({ layout, values }: EncodedEvent): Fields =>
  (LAYOUTS[layout] ?? []).flatMap((name, i) => [name, values[i] ?? ''])

const encodeWith = (more: object) => encode(catalog, 'counted', { n: 1 }, { ...given, ...more }, MAX)

function hiddenCycle() {
  return { toJSON: () => 5, ...cycle() }
}

function cycle() {
  const object: Record<string, unknown> = {}
  object.self = object
  return object
}

function errorOf(fails: () => unknown): InvalidEventError {
  try {
    fails()
  } catch (error) {
    return error as InvalidEventError
  }
  throw new Error('it did not fail')
}
