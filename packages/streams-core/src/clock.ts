let aheadMs = 0

/**
 * Milliseconds on a clock that never goes back; means nothing outside this process. The monotonic clock stands still
 * while the machine sleeps (Linux, CLOCK_MONOTONIC), and leases do not: what the wall clock is ahead is added. When
 * somebody sets that clock forward, leases look older than they are, and that is the safe side.
 */
export function now(): number {
  const monotonicMs = performance.now()
  aheadMs = Math.max(aheadMs, Date.now() - performance.timeOrigin - monotonicMs)
  return monotonicMs + aheadMs
}
