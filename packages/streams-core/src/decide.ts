import { messageOf } from './errors.ts'
import { RETRY_HORIZON_MS, Rejection, RetryAfter, type RetryDelay } from './retry.ts'

/** How one delivery went. Only a classification: nothing has been written because of it. */
export type Run =
  | { result: 'returned' }
  | { result: 'threw'; error: unknown }
  /** The entry is no event of this stream. */
  | { result: 'malformed'; reason: string }
  /** Redriven for another group. */
  | { result: 'not-ours' }
  /** The idempotency record says that this event id was handled before. */
  | { result: 'handled-before' }
  /** The idempotency record says that this event id is being handled elsewhere. */
  | { result: 'handled-elsewhere' }
  /** Redis could not serve it before the consumer had to leave, or never will: nothing was written. */
  | { result: 'unserved' }
  /** `commit` has acknowledged it together with its effects. */
  | { result: 'committed' }
  /** Some commands of `commit` ran, then one failed: running it again would repeat the first ones. */
  | { result: 'commit-failed'; error: unknown }
  /** It died alone in its process as often as it may. It was not run again. */
  | { result: 'crashed' }
  /** The consumer is leaving; the handler was not started (`unstarted`) or is left behind (`unfinished`). */
  | { result: 'unstarted' }
  | { result: 'unfinished' }
  | { result: 'lease-lost' }
  /** Somebody deleted the entry from the stream while it was pending: there is nothing left to run or to keep. */
  | { result: 'deleted' }

/** What is to be written for a delivery. Closed: every place that handles it switches exhaustively. */
export type Outcome =
  | { type: 'ack' }
  | { type: 'retry'; delayMs: number; error: string }
  /** Hand back: deliverable to anyone after `delayMs`; `charged` says whether this delivery counts. */
  | { type: 'release'; delayMs: number; charged: boolean }
  | { type: 'dead-letter'; reason: DeadLetterReason; error: string }
  /** Acknowledged by `commit` already, together with the handler's effects. */
  | { type: 'committed' }
  /** The lease is lost: write nothing, the new owner decides. */
  | { type: 'abandon' }

export type DeadLetterReason = 'malformed' | 'rejected' | 'exhausted' | 'crashed' | 'commit-failed'

export interface DecidePolicy {
  maxDeliveries: number
  delayMs: RetryDelay
  /** How long to wait for a handler of the same event id elsewhere. */
  leaseMs: number
}

/** Pure: the one place that decides what becomes of a delivery. `attempt` is 1-based. */
export function decide(run: Run, attempt: number, policy: DecidePolicy): Outcome {
  switch (run.result) {
    case 'returned':
    case 'not-ours':
    case 'handled-before':
      return { type: 'ack' }
    case 'threw':
      return decideFailure(run.error, attempt, policy)
    case 'malformed':
      return { type: 'dead-letter', reason: 'malformed', error: run.reason }
    case 'crashed':
      return { type: 'dead-letter', reason: 'crashed', error: `the process died during delivery ${attempt}` }
    case 'handled-elsewhere':
      return { type: 'release', delayMs: Math.ceil(policy.leaseMs / 3), charged: false }
    case 'unstarted':
    case 'unserved':
      return { type: 'release', delayMs: 0, charged: false }
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

function decideFailure(error: unknown, attempt: number, policy: DecidePolicy): Outcome {
  const text = messageOf(error)
  if (error instanceof Rejection) return { type: 'dead-letter', reason: 'rejected', error: text }
  if (attempt >= policy.maxDeliveries) return { type: 'dead-letter', reason: 'exhausted', error: text }
  const delayMs = usableDelay(() => (error instanceof RetryAfter ? error.delayMs : policy.delayMs(attempt)))
  return { type: 'retry', delayMs, error: text }
}

/** Somebody else's arithmetic: Redis takes whole milliseconds within the horizon, and a bad delay must not lose a retry. */
function usableDelay(delay: () => number): number {
  try {
    const ms = Math.ceil(delay())
    return Number.isNaN(ms) ? FALLBACK_DELAY_MS : Math.min(RETRY_HORIZON_MS, Math.max(0, ms))
  } catch {
    return FALLBACK_DELAY_MS
  }
}
