import { messageOf } from '../../base/errors.ts'
import { RETRY_HORIZON_MS } from '../../define/limits.ts'
import type { Outcome, RunResult } from '../../define/outcome.ts'
import type { RetryDelay } from '../../define/retry-delay.ts'

export interface DecidePolicy {
  maxDeliveries: number
  delayMs: RetryDelay
  /** An entry whose event id is being handled elsewhere is due again after a third of a lease. */
  leaseMs: number
}

/** Pure: the one place that decides what becomes of a delivery. `attempt` counts from 1. */
export function decide(run: RunResult, attempt: number, policy: DecidePolicy): Outcome {
  switch (run.result) {
    case 'returned':
    case 'not-ours':
    case 'handled-before':
      return { type: 'ack' }
    case 'skipped':
      return { type: 'skip', reason: run.reason }
    case 'threw':
      return decideFailure(messageOf(run.error), attempt, policy, () => policy.delayMs(attempt))
    case 'retry-after':
      return decideFailure(run.reason, attempt, policy, () => run.delayMs)
    case 'timed-out':
      return decideFailure(`the handler did not end within ${run.timeoutMs} ms`, attempt, policy, () =>
        policy.delayMs(attempt),
      )
    case 'rejected':
      return { type: 'dead-letter', reason: 'rejected', error: run.reason }
    case 'malformed':
      return { type: 'dead-letter', reason: 'malformed', error: run.reason }
    case 'crashed':
      return { type: 'dead-letter', reason: 'crashed', error: `the process died during delivery ${attempt}` }
    case 'handled-elsewhere':
      return { type: 'release', delayMs: Math.ceil(policy.leaseMs / 3), charged: false }
    case 'unstarted':
    case 'unserved':
      return { type: 'release', delayMs: 0, charged: false }
    case 'paused':
      return { type: 'release', delayMs: 0, charged: false, setAside: run.eventType }
    case 'unfinished':
      return { type: 'release', delayMs: 0, charged: true }
    case 'commit-failed':
      return { type: 'dead-letter', reason: 'commit-failed', error: messageOf(run.error) }
    case 'committed':
      return { type: 'committed' }
    case 'lease-lost':
    case 'deleted':
      return { type: 'abandon' }
    default:
      return run satisfies never
  }
}

const FALLBACK_DELAY_MS = 1_000

function decideFailure(error: string, attempt: number, policy: DecidePolicy, delayMs: () => number): Outcome {
  if (attempt >= policy.maxDeliveries) return { type: 'dead-letter', reason: 'exhausted', error }
  return { type: 'retry', delayMs: usableDelay(delayMs), error }
}

/** Redis takes whole milliseconds within the horizon, and a bad delay of a user's function must not lose a retry. */
function usableDelay(delay: () => number): number {
  try {
    const ms = Math.ceil(delay())
    return Number.isNaN(ms) ? FALLBACK_DELAY_MS : Math.min(RETRY_HORIZON_MS, Math.max(0, ms))
  } catch {
    return FALLBACK_DELAY_MS
  }
}
