import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { InvalidEventError } from '../../src/base/errors.ts'
import { decode, encode } from '../../src/define/entry.ts'
import { catalog, foreignEntry } from '../support/events.ts'

const given = { id: 'e1', source: '/s', time: '2026-01-02T03:04:05.678Z' }
const MAX = 1_048_576

describe('encode and decode', () => {
  test('round trip, with every attribute', () => {
    const all = { ...given, subject: 'user_1', traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01' }
    const decoded = decode(catalog, encode(catalog, 'noted', { text: 'ä€𝄞' }, all, MAX), MAX)
    expect(decoded).toMatchObject({ ok: true, event: { ...all, type: 'noted', data: { text: 'ä€𝄞' } } })
  })

  test('publish takes the input of a schema, the handler gets its output', () => {
    const dated = { dated: z.object({ at: z.coerce.date() }) }
    const fields = encode(dated, 'dated', { at: '2026-01-01T00:00:00Z' }, given, MAX)
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
    ['deeply nested', foreignEntry({ data: '['.repeat(200_000) }), 'data is not JSON'],
  ])('decode refuses, without throwing: %s', (_, fields, reason) => {
    expect(decode(catalog, fields, MAX)).toMatchObject({ ok: false, reason: expect.stringContaining(reason) })
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
