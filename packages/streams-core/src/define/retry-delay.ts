import { InvalidOptionError } from '../base/errors.ts'
import { RETRY_HORIZON_MS, retryLimits } from './limits.ts'

/** Milliseconds to wait after the failed delivery number `attempt`, counted from 1. */
export type RetryDelay = (attempt: number) => number

/**
 * Exponential backoff with equal jitter: half of `baseMs * 2^(attempt - 1)`, and a random part of the other half, never
 * above `maxMs`. The fixed half makes a retry really wait; the random half keeps retries apart.
 * @param options.baseMs Upper bound of the first delay. Milliseconds, 0 to `maxMs`. Default 200.
 * @param options.maxMs Upper bound of every delay. Milliseconds, 0 to 86,400,000. Default 30,000.
 * @param options.random For tests: a number in [0, 1). Default `Math.random`.
 * @throws {InvalidOptionError} naming both bounds.
 */
export function exponential(options: { baseMs?: number; maxMs?: number; random?: () => number } = {}): RetryDelay {
  const { baseMs = retryLimits.baseMs.default, maxMs = retryLimits.maxMs.default, random = Math.random } = options
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
