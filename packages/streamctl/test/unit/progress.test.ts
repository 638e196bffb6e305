import { expect, onTestFinished, test, vi } from 'vitest'
import { barOf, endBar, newProgress } from '../../src/tool/progress.ts'

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

test('a bar is taken away once, by whoever ends it', () => {
  const { isTTY } = process.stderr
  const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
  process.stderr.isTTY = true
  onTestFinished(() => {
    process.stderr.isTTY = isTTY
    write.mockRestore()
  })
  const progress = newProgress(false)
  progress.say('entries', 1, 2)
  // Of a program that ends in the middle of the work.
  endBar()
  progress.end()
  const drawn = `\r\u001b[K${barOf('entries', 1, 2)}`
  expect(write.mock.calls.map(([text]) => text)).toEqual([drawn, '\r\u001b[K'])
})
