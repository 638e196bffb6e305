import { setTimeout } from 'node:timers/promises'

/** Resolves after `ms`, or at once when the signal is aborted. Never rejects. */
export async function sleep(ms: number, signal: AbortSignal): Promise<void> {
  await setTimeout(ms, undefined, { signal }).catch(() => {})
}
