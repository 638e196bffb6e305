import type { StreamLook, WatchedGroup } from '@redis-streams-processor/streams-core'
import { expect, test } from 'vitest'
import { type Figures, Rates } from '../../src/figures.ts'
import { EVERY_MS, History } from '../../src/history.ts'

const HOUR_MS = 3_600_000
const NOW = Date.parse('2026-01-01T00:00:00Z')

const lookAt = (nowMs: number, settled: number) =>
  ({ nowMs, groups: [{ group: 'billing', settled, failed: 0 }] }) as unknown as StreamLook

test('rates are known again at once after the clock of Redis was set back', () => {
  const rates = new Rates()
  const rateOf = ({ groups }: StreamLook) => rates.figuresOf(groups[0] as WatchedGroup).settledPerSecond
  rates.add(lookAt(NOW, 0))
  const next = lookAt(NOW + 500, 50)
  rates.add(next)
  expect(rateOf(next)).toBe(100)
  const back = lookAt(NOW - HOUR_MS, 60)
  rates.add(back)
  expect(rateOf(back)).toBeNull()
  const after = lookAt(NOW - HOUR_MS + 500, 70)
  rates.add(after)
  expect(rateOf(after)).toBe(20)
})

test('the history begins anew after the clock of Redis was set back, by however little', () => {
  const history = new History()
  const figures = new Map([['billing', { lag: 0 } as Figures]])
  history.add(NOW, figures)
  history.add(NOW + EVERY_MS, figures)
  expect(history.isDue(NOW + EVERY_MS + 500)).toBe(false)
  expect(history.isDue(NOW + 500)).toBe(true)
  history.add(NOW + 500, figures)
  expect(history.of('billing').map(({ at }) => at)).toEqual([NOW + 500])
  expect(history.isDue(NOW + 500 + EVERY_MS)).toBe(true)
})
