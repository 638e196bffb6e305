import { describe, expect, test } from 'vitest'
import { decide } from '../../src/consume/pipeline/decide.ts'
import type { RunResult } from '../../src/define/outcome.ts'
import { reject, resultOfThrown, retryAfter, skip } from '../../src/define/verbs.ts'

const policy = { maxDeliveries: 5, delayMs: (attempt: number) => attempt * 100, leaseMs: 9_000 }
const failed = new Error('database timeout')

describe('decide', () => {
  test.each<[RunResult, number, object]>([
    [{ result: 'returned' }, 1, { type: 'ack' }],
    [{ result: 'not-ours' }, 1, { type: 'ack' }],
    [{ result: 'handled-before' }, 3, { type: 'ack' }],
    [{ result: 'committed' }, 1, { type: 'committed' }],
    [{ result: 'threw', error: failed }, 1, { type: 'retry', delayMs: 100, error: 'database timeout' }],
    [{ result: 'threw', error: failed }, 4, { type: 'retry', delayMs: 400, error: 'database timeout' }],
    [{ result: 'threw', error: failed }, 5, { type: 'dead-letter', reason: 'exhausted', error: 'database timeout' }],
    [{ result: 'retry-after', delayMs: 7_000, reason: 'busy' }, 1, { type: 'retry', delayMs: 7_000, error: 'busy' }],
    [
      { result: 'retry-after', delayMs: 7_000, reason: 'busy' },
      5,
      { type: 'dead-letter', reason: 'exhausted', error: 'busy' },
    ],
    [
      { result: 'rejected', reason: 'unknown order' },
      1,
      { type: 'dead-letter', reason: 'rejected', error: 'unknown order' },
    ],
    [{ result: 'skipped', reason: 'a test account' }, 1, { type: 'skip', reason: 'a test account' }],
    [{ result: 'skipped', reason: 'a test account' }, 5, { type: 'skip', reason: 'a test account' }],
    [{ result: 'threw', error: 'a string' }, 1, { type: 'retry', delayMs: 100, error: 'a string' }],
    [{ result: 'malformed', reason: 'no id' }, 1, { type: 'dead-letter', reason: 'malformed', error: 'no id' }],
    [{ result: 'crashed' }, 5, { type: 'dead-letter', reason: 'crashed', error: 'the process died during delivery 5' }],
    [
      { result: 'commit-failed', error: failed },
      1,
      { type: 'dead-letter', reason: 'commit-failed', error: 'database timeout' },
    ],
    [{ result: 'handled-elsewhere' }, 2, { type: 'release', delayMs: 3_000, charged: false }],
    [{ result: 'unserved' }, 2, { type: 'release', delayMs: 0, charged: false }],
    [{ result: 'unstarted' }, 1, { type: 'release', delayMs: 0, charged: false }],
    [{ result: 'paused', eventType: 'x' }, 1, { type: 'release', delayMs: 0, charged: false, setAside: 'x' }],
    [{ result: 'unfinished' }, 1, { type: 'release', delayMs: 0, charged: true }],
    [{ result: 'lease-lost' }, 1, { type: 'abandon' }],
    [{ result: 'deleted' }, 1, { type: 'abandon' }],
  ])('%o at attempt %i', (run, attempt, outcome) => {
    expect(decide(run, attempt, policy)).toEqual(outcome)
  })
})

describe('the verbs of a handler', () => {
  const resultOf = (verb: () => never) => {
    try {
      return verb()
    } catch (error) {
      return resultOfThrown(error)
    }
  }

  test('each has a result of its own', () => {
    expect(resultOf(() => skip('a test account'))).toEqual({ result: 'skipped', reason: 'a test account' })
    expect(resultOf(() => reject('unknown order'))).toEqual({ result: 'rejected', reason: 'unknown order' })
    expect(resultOf(() => retryAfter(1_000))).toEqual({
      result: 'retry-after',
      delayMs: 1_000,
      reason: 'retry after 1000 ms',
    })
    expect(resultOfThrown(failed)).toEqual({ result: 'threw', error: failed })
    expect(resultOfThrown('a string')).toEqual({ result: 'threw', error: 'a string' })
  })

  test('a delay out of range is a failure like any other', () => {
    expect(() => retryAfter(-1)).toThrow('retryAfter: expected 0 to 86400000 ms, got -1')
    expect(() => retryAfter(Number.NaN)).toThrow(RangeError)
  })
})
