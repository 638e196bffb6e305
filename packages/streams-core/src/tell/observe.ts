/**
 * Calls an observer: a logger, or `onReport`. What it throws, now or later as the rejection of its promise, is ignored:
 * an observer's mistake must not change the work that it observes.
 */
export function observe(observer: () => unknown): void {
  const call = async () => observer()
  call().catch(() => {})
}
