import { expect, test } from 'vitest'
import { Keys } from '../../src/broker/keys.ts'
import { defineStream } from '../../src/index.ts'
import { catalog } from '../support/events.ts'

/** The text that Redis hashes (Redis Cluster specification, "hash tags"). */
function hashed(key: string): string {
  const open = key.indexOf('{')
  const close = key.indexOf('}', open + 1)
  return open === -1 || close === -1 || close === open + 1 ? key : key.slice(open + 1, close)
}

/** As Lua's string.format does it. */
const formatted = (format: string) => format.replaceAll(/%[%s]/g, (word) => (word === '%%' ? '%' : 'g'))

const all = (name: string) => {
  const keys = new Keys(name)
  const ofGroup = [
    keys.dead('g'),
    keys.history('g'),
    keys.due('g'),
    keys.dueScan('g'),
    keys.clock('g'),
    keys.lastStart('g'),
    keys.controls('g'),
    keys.starts('g'),
    keys.tally('g'),
    keys.takeovers('g'),
    keys.runs('g', 'c'),
  ]
  const locks = [keys.janitorLock, keys.scanLock('g', false), keys.scanLock('g', true)]
  const ofEvents = [keys.dedupe, keys.dedupeBucket(0), keys.dedupeBucket(1), keys.idempotencyRecord('g', 'e')]
  return [keys.marks, keys.dropped, formatted(keys.groupFormat), ...ofGroup, ...locks, ...ofEvents]
}

const usable = [
  'x',
  '{x}',
  'orders',
  '{orders}',
  '{orders}:eu',
  'x{y}z',
  'x{y}z{w}',
  'a{b',
  'a b',
  '%s',
  '{%s}',
  '{x}{y}',
]

test.each(usable)('%s: every derived key is in the slot of the stream', (name) => {
  expect(() => defineStream(name, catalog)).not.toThrow()
  for (const key of all(name)) expect(hashed(key)).toBe(hashed(name))
})

test('no two streams share a derived key', () => {
  const keys = usable.flatMap((name) => [...new Set(all(name)), name])
  expect(keys.filter((key, i) => keys.indexOf(key) !== i)).toEqual([])
})

test.each(['a}b', '}{', '{}x', '{}x{y}z', 'a}b{c'])('%s is refused: no other key could share its slot', (name) => {
  expect(() => defineStream(name, catalog)).toThrow('expected name to have a "}" only after a "{" and some text')
})
