import { z } from 'zod'
import type { Context } from './handler.ts'
import { batchLimits } from './limits.ts'
import { parseOptions, whole } from './parse-options.ts'
import type { StreamEvent } from './stream.ts'

/** What is known of the delivery of one event of a batch. */
export type BatchDelivery = Pick<Context, 'entryId' | 'attempt' | 'idempotencyKey'>

/**
 * What a batch handler knows besides the events. Its methods tell of single events and return: unlike the verbs, they do
 * not end `handle`.
 */
export interface BatchContext {
  /**
   * Fires when the lease of every event of this call is lost, when `handlerTimeoutMs` is over for this call, or when
   * four fifths of `drainTimeoutMs` have passed. The handler should stop.
   */
  readonly signal: AbortSignal
  readonly group: string
  readonly consumer: string
  /** `deliveries[i]` is the delivery of `events[i]`. */
  readonly deliveries: readonly BatchDelivery[]
  /**
   * This event fails, as if a handler of its own had thrown `error`, which may be what a verb throws; the others do not.
   * Entries with the same event id fail together.
   * @throws {StreamsError} `UNKNOWN_EVENT`: no event of this call has this id. `BATCH_CLOSED`: `commit` was called, or
   * `handle` has ended.
   */
  fail(eventId: string, error: unknown): void
  /** As `fail`, with what the verb `skip` says of a single event. */
  skip(eventId: string, reason: string): void
  /** As `fail`, with what the verb `reject` says of a single event. */
  reject(eventId: string, reason: string): void
  /** As `fail`, with what the verb `retryAfter` says of a single event. */
  retryAfter(eventId: string, delayMs: number, reason?: string): void
  /**
   * Runs Redis commands and the acknowledgement of all events of this call that have not failed as one step: for all of
   * them or for none. Otherwise like the `commit` of a single handler. When the lease of some of the events is lost,
   * nothing is written, and `handle` is called again without those.
   * @returns the replies of the commands.
   * @throws {LeaseLostError} when the delivery of an event is no longer this consumer's.
   * @throws {CommitError} when a command failed. The events go to the dead letters if others had run before it.
   * @throws {StreamsError} `COMMITTED_BEFORE`: `commit` was called before in this call of `handle`.
   * `NOTHING_TO_COMMIT`: every event of this call has failed.
   */
  commit: Context['commit']
}

/**
 * Return: all events are acknowledged that `context` was not told otherwise of. Throw: the batch is halved, and each half
 * handled again, until the events are found that fail alone: only those fail. The halves get the same event objects again.
 * What it returns is ignored; a promise is awaited.
 */
export type Handle<E extends StreamEvent> = (events: readonly E[], context: BatchContext) => unknown

export interface BatchOptions<E extends StreamEvent> {
  /**
   * A batch starts when this many events wait. The limit keeps a batch's acknowledgement, one step in Redis, short.
   * 1 to 1,000. Default 100.
   */
  maxSize?: number
  /**
   * A batch that is not full starts when its oldest event has waited this long. 0: what was read together. Should be well
   * below `stalledAfterMs`: an event that waits is unhandled. Milliseconds, 0 to 60,000. Default 100.
   */
  maxWaitMs?: number
  /** Handles the events of one batch, in one handler slot. */
  handle: Handle<E>
}

const batchSchema = z.strictObject({
  maxSize: whole(batchLimits.maxSize),
  maxWaitMs: whole(batchLimits.maxWaitMs),
  handle: z.custom<Handle<StreamEvent>>((value) => typeof value === 'function', 'expected a function'),
})

/** What `batch` returns: takes the place of a handler. */
export class BatchHandler<E extends StreamEvent = StreamEvent> {
  readonly maxSize: number
  readonly maxWaitMs: number
  // Private, so that no plain object of the same shape passes for a batch handler.
  readonly #handle: Handle<E>

  constructor(options: BatchOptions<E>) {
    const { maxSize, maxWaitMs, handle } = parseOptions('batch', batchSchema, options)
    this.maxSize = maxSize
    this.maxWaitMs = maxWaitMs
    this.#handle = handle as unknown as Handle<E>
  }

  get handle(): Handle<E> {
    return this.#handle
  }
}

/**
 * In the place of a handler: handles the events of its type in batches, as a bulk insert wants them.
 * @throws {InvalidOptionError} naming option, range and value.
 */
export function batch<E extends StreamEvent>(options: BatchOptions<E>): BatchHandler<E> {
  return new BatchHandler(options)
}
