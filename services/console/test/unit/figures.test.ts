import type { StreamLook, WatchedGroup } from '@redis-streams-processor/streams-core'
import { expect, test } from 'vitest'
import { Rates } from '../../src/figures.ts'
import { EVERY_MS, History } from '../../src/history.ts'

const HOUR_MS = 3_600_000
const NOW = Date.parse('2026-01-01T00:00:00Z')

const lookAt = (nowMs: number, settled: number, failed = 0) =>
  ({ nowMs, groups: [{ group: 'billing', settled, failed }] }) as unknown as StreamLook

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

test('the rates of a group that appears are known from the look after', () => {
  const rates = new Rates()
  rates.add({ nowMs: NOW, groups: [] } as unknown as StreamLook)
  rates.add(lookAt(NOW + 500, 20))
  const newest = lookAt(NOW + 1_000, 50)
  rates.add(newest)
  expect(rates.figuresOf(newest.groups[0] as WatchedGroup)).toMatchObject({ settledPerSecond: 60, failedPerSecond: 0 })
})

test('the history has what a group settles that appears between two samples', () => {
  const history = new History()
  history.add({ nowMs: NOW, groups: [] } as unknown as StreamLook)
  for (let ms = 1_000; ms <= EVERY_MS; ms += 500) history.add(lookAt(NOW + ms, Math.min(45, (ms - 1_000) / 100)))
  expect(history.of('billing').map(({ at, settledPerSecond }) => [at - NOW, settledPerSecond])).toEqual([[EVERY_MS, 5]])
})

test('the history begins anew after the clock of Redis was set back, by however little', () => {
  const history = new History()
  expect(history.add(lookAt(NOW, 0))).toBe(true)
  expect(history.add(lookAt(NOW + EVERY_MS, 0))).toBe(true)
  expect(history.add(lookAt(NOW + EVERY_MS + 500, 0))).toBe(false)
  expect(history.add(lookAt(NOW + 500, 0))).toBe(true)
  expect(history.of('billing').map(({ at }) => at)).toEqual([NOW + 500])
  expect(history.add(lookAt(NOW + 500 + EVERY_MS, 0))).toBe(true)
})

test('the history has everything that happens between two samples, however often is looked meanwhile', () => {
  const history = new History()
  for (let ms = 0; ms <= 2 * EVERY_MS; ms += 500) history.add(lookAt(NOW + ms, 0, ms > 500 ? 100 : 0))
  expect(history.of('billing').map(({ failedPerSecond }) => failedPerSecond)).toEqual([null, 10, 0])
})
