import { expect, test } from 'vitest'
import { consumerStatesOf, type RawConsumer } from '../../src/broker/consumer-state.ts'

const named = (
  name: string,
  given: { pending?: number; idleMs?: number; leaseMs?: number; seesReads?: 0 | 1 } = {},
) => {
  const { pending = 0, idleMs = 0, leaseMs = 1_000, seesReads = 1 } = given
  return [name, pending, idleMs, leaseMs, seesReads] as RawConsumer
}

test.each<[what: string, names: RawConsumer[], states: (string | undefined)[]]>([
  ['holds something', [named('c', { pending: 1, idleMs: 499 })], ['working']],
  ['holds nothing', [named('c', { idleMs: 499 })], ['idle']],
  ['is not heard of', [named('c', { pending: 1, idleMs: 500 })], ['silent']],
  ['is not heard of, and holds nothing', [named('c', { idleMs: 500 })], ['silent']],
  ['its lease is over', [named('c', { pending: 1, idleMs: 1_000 })], ['gone']],
  [
    'others may take what it holds after the longest lease only',
    [named('c', { pending: 1, idleMs: 1_000 }), named('d', { leaseMs: 5_000 })],
    ['silent', 'idle'],
  ],
  ['it has told no lease', [named('c', { idleMs: 4_999, leaseMs: 0 })], ['idle']],
  ['it has told no lease, and is not heard of', [named('c', { idleMs: 5_000, leaseMs: 0 })], ['silent']],
  ['the usual lease is over', [named('c', { idleMs: 10_000, leaseMs: 0 })], ['gone']],
  [
    'is heard of under another name, and holds something under it',
    [named('c', { idleMs: 60_000 }), named('c~alone', { pending: 1 })],
    ['working', 'working'],
  ],
  [
    'an earlier process of its name left something',
    [named('c', { idleMs: 60_000 }), named('c~left', { pending: 1 })],
    ['gone', 'gone'],
  ],
  ['only an earlier process is known', [named('c~left', { pending: 1 })], ['gone']],
  ['nobody has taken the crash suspects', [named('~suspect', { pending: 1 })], [undefined]],
  ['reads that are given nothing are not seen', [named('c', { idleMs: 60_000, seesReads: 0 })], ['unknown']],
  ['it holds something all the same', [named('c', { pending: 1, idleMs: 60_000, seesReads: 0 })], ['gone']],
  ['names under which entries only wait', [named('~retry', { pending: 1 }), named('~paused~a', { pending: 1 })], []],
])('what a consumer is: %s', (_, names, states) => {
  expect(consumerStatesOf(names).map(({ state }) => state)).toEqual(states)
})
