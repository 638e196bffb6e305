import { expect, test } from 'vitest'
import { InvalidOptionError } from '../../src/base/errors.ts'
import { exponential } from '../../src/define/retry-delay.ts'

test('doubles from baseMs to maxMs, with the upper half as jitter', () => {
  const shortest = exponential({ baseMs: 200, maxMs: 1_000, random: () => 0 })
  const longest = exponential({ baseMs: 200, maxMs: 1_000, random: () => 0.999_999 })
  expect([1, 2, 3, 4, 50].map(shortest)).toEqual([100, 200, 400, 500, 500])
  expect([1, 2, 3, 4, 50].map(longest)).toEqual([200, 400, 800, 1_000, 1_000])
})

test('refuses bounds that are out of range or contradict each other', () => {
  expect(() => exponential({ baseMs: 2_000, maxMs: 1_000 })).toThrow(InvalidOptionError)
  expect(() => exponential({ maxMs: 86_400_001 })).toThrow('got baseMs 200, maxMs 86400001')
  expect(() => exponential({ baseMs: Number.NaN })).toThrow(InvalidOptionError)
})
