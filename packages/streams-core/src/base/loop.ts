import { setMaxListeners } from 'node:events'

/** A signal that is never aborted. Any number of waits may listen to it. */
export const neverAborted: AbortSignal = new AbortController().signal
setMaxListeners(0, neverAborted)

/** Resolves after `ms` (at once, if that is over), or when the signal is aborted. Never rejects. */
export function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve()
    const done = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, Math.max(0, ms))
    signal.addEventListener('abort', done)
  })
}

/**
 * Calls `wait` with a signal that is aborted after `ms`, or when the given signal is. Does not use AbortSignal.any and
 * AbortSignal.timeout: Node 20 may collect those as garbage before they fire.
 */
export async function within(
  ms: number,
  signal: AbortSignal,
  wait: (limit: AbortSignal) => Promise<void>,
): Promise<void> {
  const limit = new AbortController()
  const stop = () => limit.abort()
  if (signal.aborted) stop()
  signal.addEventListener('abort', stop)
  const timer = setTimeout(stop, ms)
  try {
    await wait(limit.signal)
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', stop)
  }
}

/** The longest wait between two tries. */
export const LONGEST_BACKOFF_MS = 2_000

/** Waits between tries: at most 100 ms, doubling to 2 s, with equal jitter, so that a herd spreads out. */
export function backoffMs(failures: number): number {
  const ceiling = Math.min(LONGEST_BACKOFF_MS, 100 * 2 ** Math.min(failures - 1, 10))
  return ceiling / 2 + (Math.random() * ceiling) / 2
}

export interface LoopOptions {
  signal: AbortSignal
  /** Told of every failed round; throws to end the loop with an error. */
  onError: (error: unknown, failures: number) => void | Promise<void>
}

/**
 * The shape of every loop: `runOnce`, then a rest of `intervalMs`, until the signal is aborted.
 * A failing round is reported and followed by a growing wait, so that no error makes a hot loop.
 */
export async function every(intervalMs: number, runOnce: () => Promise<unknown>, options: LoopOptions): Promise<void> {
  let failures = 0
  while (!options.signal.aborted) {
    try {
      await runOnce()
      failures = 0
      if (intervalMs > 0) await sleep(intervalMs, options.signal)
    } catch (error) {
      if (options.signal.aborted) return
      failures += 1
      await options.onError(error, failures)
      await sleep(backoffMs(failures), options.signal)
    }
  }
}
