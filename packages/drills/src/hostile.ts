import { randomUUID } from 'node:crypto'
import type { Random } from './random.ts'

type Fields = (string | Buffer)[]

/** Values that are wrong wherever they stand. */
const rubbish: (string | Buffer)[] = [
  '',
  ' ',
  'null',
  'undefined',
  'NaN',
  '{}',
  '[]',
  '{',
  '"',
  '\u0000',
  '\u202e',
  '-1',
  '1e999',
  'true',
  '%24%7Bjndi:ldap://x%7D',
  "'; DROP TABLE events; --",
  '../../etc/passwd',
  '{"userId":{"$gt":""}}',
  '{"__proto__":{"userId":"user_1"}}',
  '{"constructor":{"prototype":{"userId":"user_1"}}}',
  '{"userId":"user_x"}',
  '{"userId":null}',
  '{"userId":["user_1"]}',
  '['.repeat(10_000),
  '{"a":'.repeat(10_000),
  Buffer.from([0xff, 0xfe, 0xfd]),
  Buffer.from([0xc3, 0x28]),
  Buffer.from([0x00]),
  Buffer.from([0xed, 0xa0, 0x80]),
]

/** At least 200 entries that are no event of the stream, each wrong in its own way. */
export function hostileEntries(random: Random): Fields[] {
  const good = (): Record<string, string | Buffer> => ({
    id: randomUUID(),
    type: 'user.deleted',
    source: '/hostile',
    time: '2026-01-01T00:00:00Z',
    data: '{"userId":"user_1"}',
  })
  const entries: Fields[] = []
  const add = (fields: Record<string, string | Buffer>, ...more: Fields) =>
    entries.push([...Object.entries(fields).flat(), ...more])

  for (const name of ['id', 'type', 'source', 'time', 'data']) {
    const { [name]: _, ...rest } = good()
    add(rest)
    add(good(), name, 'twice')
  }
  for (const value of rubbish) {
    add({ ...good(), data: value })
    add({ ...good(), type: value })
    add({ ...good(), time: value })
    entries.push(['junk', value])
    entries.push([value, value])
  }
  for (const value of rubbish) add(good(), '__proto__', value)
  for (const value of rubbish.slice(0, 10)) entries.push([value, 'value of a strange name'])
  for (const type of [
    'toString',
    'constructor',
    '__proto__',
    'user.deleted ',
    'USER.DELETED',
    'user',
    'payment.confirmed',
  ]) {
    add({ ...good(), type })
  }
  add({ ...good(), id: '' })
  add({ ...good(), id: `long-${'x'.repeat(300)}` })
  add({ ...good(), source: '' })
  add({ ...good(), data: JSON.stringify({ userId: 'user_1', more: 'x'.repeat(7_000_000) }) })
  add({ ...good(), data: JSON.stringify({ userId: 'user_1', more: 'x'.repeat(9_000_000) }) })
  entries.push(Array.from({ length: 12_000 }, (_, n) => `f${n}`))
  // In another order every time: what stands beside an entry must not matter.
  return entries
    .map((entry) => ({ entry, key: random.next() }))
    .sort((a, b) => a.key - b.key)
    .map(({ entry }) => entry)
}
