import { setTimeout as sleep } from 'node:timers/promises'

const EVERY_MS = 200

/**
 * Looks until it sees something, and returns it. A look that fails is one that sees nothing: Redis may be away.
 * @throws at the deadline, naming what was waited for.
 */
export async function until<T>(
  what: string,
  look: () => Promise<T | undefined | false>,
  { timeoutMs, signal }: { timeoutMs: number; signal: AbortSignal },
): Promise<T> {
  const deadline = Date.now() + timeoutMs
  let problem = ''
  while (Date.now() < deadline) {
    signal.throwIfAborted()
    try {
      const seen = await look()
      if (seen !== undefined && seen !== false) return seen
      problem = ''
    } catch (error) {
      problem = `: ${(error as Error).message}`
    }
    await sleep(EVERY_MS, undefined, { signal }).catch(() => {})
  }
  throw new Error(`${what}: not within ${timeoutMs / 1_000} s${problem}`)
}
