import type { RunResult } from '../../define/outcome.ts'

/** Time that a handler has to end once its signal has fired because it took too long. */
const GRACE_MS = 1_000

/**
 * Waits for a handler for `timeoutMs`, then has it told to stop; a second later it is left behind, and has `timed-out`.
 * One that throws within that second has timed out, too.
 */
export function withinTimeLimit<R extends RunResult>(
  timeoutMs: number,
  running: Promise<R>,
  tellToStop: (reason: Error) => void,
): Promise<R | Extract<RunResult, { result: 'timed-out' }>> {
  return new Promise((resolve) => {
    const timedOut = { result: 'timed-out', timeoutMs } as const
    let isTold = false
    let timer = setTimeout(() => {
      isTold = true
      tellToStop(new Error(`the handler has taken ${timeoutMs} ms`))
      timer = setTimeout(() => resolve(timedOut), GRACE_MS)
    }, timeoutMs)
    void running.then((result) => {
      clearTimeout(timer)
      resolve(isTold && result.result === 'threw' ? timedOut : result)
    })
  })
}
