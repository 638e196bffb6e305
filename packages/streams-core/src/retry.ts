import { InvalidOptionError } from './errors.ts'

/** How far ahead a retry can be planned: the idle clock of a parked entry runs up to this. 24 hours. */
export const RETRY_HORIZON_MS = 86_400_000

/** Milliseconds to wait after the failed delivery number `attempt` (1-based). */
export type RetryDelay = (attempt: number) => number

/**
 * Exponential backoff with full jitter: a random delay between half and the whole of `baseMs * 2^(attempt - 1)`,
 * never above `maxMs`. Keeping the lower half makes a retry really wait.
 * @param options.baseMs Upper bound of the first delay in milliseconds. Default 200.
 * @param options.maxMs Upper bound of every delay in milliseconds, at most 24 hours. Default 30 000.
 * @param options.random For tests: a number in [0, 1). Default `Math.random`.
 */
export function exponential(options: { baseMs?: number; maxMs?: number; random?: () => number } = {}): RetryDelay {
  const { baseMs = 200, maxMs = 30_000, random = Math.random } = options
  if (!(baseMs >= 0 && baseMs <= maxMs && maxMs <= RETRY_HORIZON_MS)) {
    throw new InvalidOptionError(
      `exponential: expected 0 <= baseMs <= maxMs <= ${RETRY_HORIZON_MS}, got baseMs ${baseMs}, maxMs ${maxMs}`,
    )
  }
  return (attempt) => {
    const ceiling = Math.min(maxMs, baseMs * 2 ** (attempt - 1))
    return Math.round(ceiling / 2 + (random() * ceiling) / 2)
  }
}

/** What `reject` throws. */
export class Rejection extends Error {
  override readonly name = 'Rejection'
}

/** What `retryAfter` throws. */
export class RetryAfter extends Error {
  override readonly name = 'RetryAfter'
  readonly delayMs: number

  constructor(delayMs: number, message: string) {
    super(message)
    this.delayMs = delayMs
  }
}

/** Called in a handler: this event can never succeed. It goes to the dead letters now, with `reason`. */
export function reject(reason: string): never {
  throw new Rejection(reason)
}

/**
 * Called in a handler: deliver this event again in `delayMs`, e.g. what a 429's Retry-After says. Counts as a delivery.
 * @param delayMs Milliseconds, 0 to 24 hours.
 */
export function retryAfter(delayMs: number, message = `retry after ${delayMs} ms`): never {
  if (!(delayMs >= 0 && delayMs <= RETRY_HORIZON_MS)) {
    throw new RangeError(`retryAfter: expected 0 to ${RETRY_HORIZON_MS} ms, got ${delayMs}`)
  }
  throw new RetryAfter(delayMs, message)
}
