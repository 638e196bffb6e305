/** How a handler ended. */
export type HandlerResult =
  | { result: 'returned' }
  /** The handler called `skip`. */
  | { result: 'skipped'; reason: string }
  /** The handler called `reject`. */
  | { result: 'rejected'; reason: string }
  /** The handler called `retryAfter`. */
  | { result: 'retry-after'; delayMs: number; reason: string }
  | { result: 'threw'; error: unknown }

/** How one delivery went: how its handler ended, or why no handler ended. The outcome is decided from it. */
export type RunResult =
  | HandlerResult
  /** The entry is no event of this stream. */
  | { result: 'malformed'; reason: string }
  /** The entry was redriven for another group. */
  | { result: 'not-ours' }
  /** The idempotency record says that this event id was handled before. */
  | { result: 'handled-before' }
  /** The idempotency record says that this event id is being handled elsewhere. */
  | { result: 'handled-elsewhere' }
  /**
   * Redis could not take the idempotency record or the `commit` before the handler's signal fired, or refuses for good.
   */
  | { result: 'unserved' }
  /** `commit` has acknowledged the delivery together with its effects. */
  | { result: 'committed' }
  /** Some commands of `commit` ran, then one failed: running the handler again would repeat the first ones. */
  | { result: 'commit-failed'; error: unknown }
  /** Its last delivery ran alone, and the consumer died. The entry was not run again. */
  | { result: 'crashed' }
  /** The consumer drains, or the group is paused: the handler was not called, or not again after a batch was halved. */
  | { result: 'unstarted' }
  /** This event type of the group is paused: the handler was not called. */
  | { result: 'paused'; eventType: string }
  /** The consumer drains, and the handler did not end in time. */
  | { result: 'unfinished' }
  /** The handler did not end within `handlerTimeoutMs`. */
  | { result: 'timed-out'; timeoutMs: number }
  | { result: 'lease-lost' }
  /** Somebody deleted the entry from the stream while it was pending: there is nothing left to run or to keep. */
  | { result: 'deleted' }

/** What becomes of a delivery. Closed: every place that handles it switches exhaustively. */
export type Outcome =
  /** Acknowledge. */
  | { type: 'ack' }
  /** Acknowledge: the handler had nothing to do for this event. */
  | { type: 'skip'; reason: string }
  /** Deliver again after `delayMs`, because of a failure. */
  | { type: 'retry'; delayMs: number; error: string }
  /**
   * Release: any consumer may take the entry after `delayMs`. `charged`: this delivery counts. `setAside`: only once this
   * event type is no longer paused.
   */
  | { type: 'release'; delayMs: number; charged: boolean; setAside?: string }
  | { type: 'dead-letter'; reason: DeadLetterReason; error: string }
  /** `commit` has acknowledged the delivery already, together with the handler's effects. */
  | { type: 'committed' }
  /** Nothing is written: the lease is lost, the entry is deleted, or Redis did not take the write. */
  | { type: 'abandon' }

export const deadLetterReasons = ['malformed', 'rejected', 'exhausted', 'crashed', 'commit-failed'] as const
export type DeadLetterReason = (typeof deadLetterReasons)[number]

/** `unreadable`: the letter was not written by this library. */
export const letterReasons = [...deadLetterReasons, 'unreadable'] as const
