import { expect, test, vi } from 'vitest'
import { now } from '../../src/base/clock.ts'

test('a sleep of the machine, in which the monotonic clock stands still, counts', () => {
  const before = now()
  const wall = Date.now()
  vi.spyOn(Date, 'now').mockReturnValue(wall + 60_000)
  const awake = now()
  expect(awake - before).toBeGreaterThanOrEqual(59_000)
  // Set back again: it never goes back.
  vi.mocked(Date.now).mockReturnValue(wall)
  expect(now()).toBeGreaterThanOrEqual(awake)
})
