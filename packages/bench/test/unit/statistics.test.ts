import { describe, expect, test } from 'vitest'
import { quantile, summarize } from '../../src/statistics.ts'

describe('quantile', () => {
  test.each([
    [[7], 0.99, 7],
    [[3, 1, 2], 0.5, 2],
    [[1, 2, 3, 4], 0.5, 2.5],
    [[10, 9, 100], 1, 100],
    [[10, 9, 100], 0, 9],
    [Array.from({ length: 101 }, (_, n) => n), 0.99, 99],
  ])('%o at %d is %d', (values, share, expected) => {
    expect(quantile(values, share)).toBeCloseTo(expected)
  })

  test('no values have none', () => {
    expect(() => quantile([], 0.5)).toThrow('no values')
  })
})

test('a summary does not change the order of what it sums up', () => {
  const values = [3, 1, 20]
  expect(summarize(values)).toEqual({ median: 3, min: 1, max: 20 })
  expect(values).toEqual([3, 1, 20])
})
