import { describe, expect, test } from 'vitest'
import { decide, type Run } from '../../src/decide.ts'
import { Rejection, RetryAfter, reject, retryAfter } from '../../src/retry.ts'

const policy = { maxDeliveries: 5, delayMs: (attempt: number) => attempt * 100, leaseMs: 9_000 }
const failed = new Error('database timeout')

describe('decide', () => {
  test.each<[Run, number, object]>([
    [{ result: 'returned' }, 1, { type: 'ack' }],
    [{ result: 'not-ours' }, 1, { type: 'ack' }],
    [{ result: 'handled-before' }, 3, { type: 'ack' }],
    [{ result: 'committed' }, 1, { type: 'committed' }],
    [{ result: 'threw', error: failed }, 1, { type: 'retry', delayMs: 100, error: 'database timeout' }],
    [{ result: 'threw', error: failed }, 4, { type: 'retry', delayMs: 400, error: 'database timeout' }],
    [{ result: 'threw', error: failed }, 5, { type: 'dead-letter', reason: 'exhausted', error: 'database timeout' }],
    [{ result: 'threw', error: new RetryAfter(7_000, 'busy') }, 1, { type: 'retry', delayMs: 7_000, error: 'busy' }],
    [
      { result: 'threw', error: new RetryAfter(7_000, 'busy') },
      5,
      { type: 'dead-letter', reason: 'exhausted', error: 'busy' },
    ],
    [
      { result: 'threw', error: new Rejection('unknown order') },
      1,
      { type: 'dead-letter', reason: 'rejected', error: 'unknown order' },
    ],
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
    [{ result: 'unfinished' }, 1, { type: 'release', delayMs: 0, charged: true }],
    [{ result: 'lease-lost' }, 1, { type: 'abandon' }],
    [{ result: 'deleted' }, 1, { type: 'abandon' }],
  ])('%o at attempt %i', (run, attempt, outcome) => {
    expect(decide(run, attempt, policy)).toEqual(outcome)
  })

  test('the verbs of a handler throw what decide understands', () => {
    expect(() => reject('unknown order')).toThrow(Rejection)
    expect(() => retryAfter(1_000)).toThrow(RetryAfter)
    expect(() => retryAfter(-1)).toThrow('retryAfter: expected 0 to 86400000 ms, got -1')
    expect(() => retryAfter(Number.NaN)).toThrow(RangeError)
  })
})
