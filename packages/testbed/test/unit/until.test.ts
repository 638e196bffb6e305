import { expect, test } from 'vitest'
import { until } from '../../src/index.ts'

test('it resolves to what was seen, whatever failed before', async () => {
  let looks = 0
  const look = () => {
    looks += 1
    if (looks === 1) throw new Error('away')
    return looks === 3 && 'seen'
  }
  expect(await until('it comes', look, { timeoutMs: 5_000 })).toBe('seen')
})

test('at the deadline it names what it waited for, and why the last look saw nothing', async () => {
  await expect(until('it comes', () => false, { timeoutMs: 20 })).rejects.toThrow(/^it comes: not within 0.02 s$/)
  const away = () => Promise.reject(new Error('away'))
  await expect(until('it comes', away, { timeoutMs: 20 })).rejects.toThrow(/^it comes: not within 0.02 s: away$/)
})

test('an aborted signal ends it with its reason', async () => {
  const signal = AbortSignal.abort(new Error('interrupted'))
  await expect(until('it comes', () => true, { timeoutMs: 20, signal })).rejects.toThrow('interrupted')
})

test('an assertion that fails within a look ends the wait', async () => {
  let looks = 0
  const look = () => {
    looks += 1
    expect(looks).toBeLessThan(3)
    return false
  }
  await expect(until('it is over', look, { timeoutMs: 30_000 })).rejects.toThrow('to be less than 3')
  expect(looks).toBe(3)
})
