import { messageOf } from '../base/errors.ts'
import { RETRY_HORIZON_MS } from './limits.ts'
import type { HandlerResult } from './outcome.ts'

// What a handler can say besides returning and throwing. Each verb throws, so that nothing behind it runs.

/** What a handler says with a verb. */
type Said = Exclude<HandlerResult, { result: 'returned' | 'threw' }>

/** What a verb throws. */
class Verb extends Error {
  override readonly name = 'Verb'
  readonly said: Said

  constructor(said: Said) {
    super(said.reason)
    this.said = { ...said, reason: messageOf(said.reason) }
  }
}

/** Called in a handler: there is nothing to do for this event. It is acknowledged, and reported as skipped. */
export function skip(reason: string): never {
  throw new Verb({ result: 'skipped', reason })
}

/** Called in a handler: this event can never succeed. It goes to the dead letters now, with `reason`. */
export function reject(reason: string): never {
  throw new Verb({ result: 'rejected', reason })
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
  throw new Verb({ result: 'retry-after', delayMs, reason })
}

/** How a handler ended, from what it threw. For code that wraps handlers, such as one that keeps a ledger. */
export function resultOfThrown(error: unknown): Exclude<HandlerResult, { result: 'returned' }> {
  return error instanceof Verb ? error.said : { result: 'threw', error }
}
