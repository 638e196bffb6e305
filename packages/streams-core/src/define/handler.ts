import type { BatchHandler } from './batch.ts'
import type { Argument } from './redis-options.ts'
import type { Catalog, EventOf, EventType } from './stream.ts'

/** What a handler knows besides the event. */
export interface Context {
  /**
   * Fires when the lease is lost (another consumer runs this event now), when `handlerTimeoutMs` is over, or when four
   * fifths of `drainTimeoutMs` have passed. The handler should stop.
   */
  readonly signal: AbortSignal
  readonly entryId: string
  readonly group: string
  readonly consumer: string
  /** Number of this delivery: 1 for the first. */
  readonly attempt: number
  /** The same for every delivery of this event to this group, for services that take such a key. */
  readonly idempotencyKey: string
  /**
   * Runs Redis commands and the acknowledgement as one step, which happens once however often the event is delivered.
   * To be called once per delivery, with at most 7,000 words in each command. Where Redis is a cluster, all keys
   * must be in the hash slot of the stream. Do not catch its errors: if the first command fails and the handler returns,
   * the event is acknowledged without effects.
   * @returns the replies of the commands.
   * @throws {LeaseLostError} when the delivery is no longer this consumer's: another consumer has the entry, or this
   * `commit` took effect and the reply was lost.
   * @throws {CommitError} when a command failed. The event goes to the dead letters if others had run before it.
   * @throws {StreamsError} `COMMITTED_BEFORE`: `commit` was called before in this handler.
   */
  commit(commands: readonly (readonly Argument[])[]): Promise<unknown[]>
}

/**
 * Return: acknowledged. Throw: delivered again after a delay. See also `skip`, `reject` and `retryAfter`. What it returns
 * is ignored; a promise is awaited.
 */
export type Handler<C extends Catalog, T extends EventType<C>> = (event: EventOf<C, T>, context: Context) => unknown

/** One handler, or batch handler, for every event type of the stream; forgetting one does not compile. */
export type Handlers<C extends Catalog> = { [T in EventType<C>]: Handler<C, T> | BatchHandler<EventOf<C, T>> }
