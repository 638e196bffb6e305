import { expect, test } from 'vitest'
import { barOf } from '../../src/tool/progress.ts'

test('a bar says how far the work is, and fits a terminal', () => {
  expect(barOf('letters redriven', 0, 8)).toBe(`[${'·'.repeat(24)}] 0 %  0 of 8 letters redriven`)
  expect(barOf('letters redriven', 4_200, 10_000)).toBe(
    `[${'█'.repeat(10)}${'·'.repeat(14)}] 42 %  4,200 of 10,000 letters redriven`,
  )
  expect(barOf('entries', 10_000, 10_000)).toBe(`[${'█'.repeat(24)}] 100 %  10,000 of 10,000 entries`)
  // Letters that die meanwhile are redriven, too.
  expect(barOf('entries', 12, 10)).toContain('100 %')
  expect(barOf('entries', 0, 0)).toContain('100 %')
  expect(barOf('x'.repeat(100), 1, 2)).toHaveLength(79)
})
