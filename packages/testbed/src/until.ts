import { setTimeout as sleep } from 'node:timers/promises'

/**
 * Looks until it sees something, often at first and less often the longer it takes, and resolves to what it saw.
 * A look that throws sees nothing: what it asks may be away. But an assertion that fails in it ends the wait.
 * @param what What is waited for, as a sentence: 'the victim joins'.
 * @throws the failed assertion; at the deadline, with `what`, and the error of the last look if it threw one; and when the signal is aborted.
 */
export async function until<T>(
  what: string,
  look: () => T | Promise<T>,
  { timeoutMs, signal }: { timeoutMs: number; signal?: AbortSignal },
): Promise<Exclude<T, false | null | undefined>> {
  const startedAt = performance.now()
  const waitedMs = () => performance.now() - startedAt
  for (;;) {
    signal?.throwIfAborted()
    let problem = ''
    try {
      const seen = await look()
      if (seen) return seen as Exclude<T, false | null | undefined>
    } catch (error) {
      if ((error as Error).name === 'AssertionError') throw error
      problem = `: ${(error as Error).message}`
    }
    if (waitedMs() >= timeoutMs) throw new Error(`${what}: not within ${timeoutMs / 1_000} s${problem}`)
    const waitMs = Math.min(10 + waitedMs() / 20, 200, Math.max(0, timeoutMs - waitedMs()))
    await sleep(waitMs, undefined, { signal }).catch(() => {})
  }
}
