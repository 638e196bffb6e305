import { RETRY_HORIZON_MS } from './limits.ts'
import type { HandlerResult } from './outcome.ts'

// What a handler can say besides returning and throwing. Each verb throws, so that nothing behind it runs.

/** What `skip` throws. */
class Skip extends Error {
  override readonly name = 'Skip'
}

/** What `reject` throws. */
class Rejection extends Error {
  override readonly name = 'Rejection'
}

/** What `retryAfter` throws. */
class RetryAfter extends Error {
  override readonly name = 'RetryAfter'
  readonly delayMs: number

  constructor(delayMs: number, message: string) {
    super(message)
    this.delayMs = delayMs
  }
}

/** Called in a handler: there is nothing to do for this event. It is acknowledged, and reported as skipped. */
export function skip(reason: string): never {
  throw new Skip(reason)
}

/** Called in a handler: this event can never succeed. It goes to the dead letters now, with `reason`. */
export function reject(reason: string): never {
  throw new Rejection(reason)
}

/**
 * Called in a handler: deliver this event again in `delayMs`, e.g. what a 429's Retry-After says. This delivery is
 * charged.
 * @param delayMs Milliseconds, 0 to 86,400,000.
 * @throws {RangeError} when `delayMs` is out of range: a failure like any other.
 */
export function retryAfter(delayMs: number, reason = `retry after ${delayMs} ms`): never {
  if (!(delayMs >= 0 && delayMs <= RETRY_HORIZON_MS)) {
    throw new RangeError(`retryAfter: expected 0 to ${RETRY_HORIZON_MS} ms, got ${delayMs}`)
  }
  throw new RetryAfter(delayMs, reason)
}

/** How a handler ended, from what it threw. For code that wraps handlers, such as a recorder. */
export function resultOfThrown(error: unknown): Exclude<HandlerResult, { result: 'returned' }> {
  if (error instanceof Skip) return { result: 'skipped', reason: error.message }
  if (error instanceof Rejection) return { result: 'rejected', reason: error.message }
  if (error instanceof RetryAfter) return { result: 'retry-after', delayMs: error.delayMs, reason: error.message }
  return { result: 'threw', error }
}
