import { expect, test } from 'vitest'
import { isLeaseOver } from '../../src/index.ts'

test.each<[what: string, owner: string, idleMs: number, leaseMs: number | undefined, isOver: boolean]>([
  ['extended just now', 'c', 0, 3_000, false],
  ['for almost a lease', 'c', 2_999, 3_000, false],
  ['for a lease', 'c', 3_000, 3_000, true],
  ['where none has told its lease', 'c', 9_999, undefined, false],
  ['for the usual lease', 'c', 10_000, undefined, true],
  ['of what runs alone', 'c~alone', 3_000, 3_000, true],
  ['of what an earlier process has left', 'c~left', 0, 3_000, true],
  ['of what waits for a retry', '~retry', 86_400_000, 3_000, false],
  ['of what is set aside', '~paused~a', 86_400_000, 3_000, false],
  ['of crash suspects that nobody has taken', '~suspect', 86_400_000, 3_000, false],
])('whether a lease is over: %s', (_, owner, idleMs, leaseMs, isOver) => {
  expect(isLeaseOver({ owner, idleMs }, leaseMs)).toBe(isOver)
})
