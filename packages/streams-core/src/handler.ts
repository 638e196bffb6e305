import type { Argument } from './broker/connection.ts'
import type { Catalog, EventOf, EventType } from './stream.ts'

/** What a handler knows besides the event. */
export interface Context {
  /** Fires when the lease is lost (stop: another consumer runs this event) or when the time to drain is nearly up. */
  readonly signal: AbortSignal
  readonly entryId: string
  readonly group: string
  readonly consumer: string
  /** 1 for the first delivery. */
  readonly attempt: number
  /** The same for every delivery of this event to this group, for services that take such a key. */
  readonly idempotencyKey: string
  /**
   * Runs Redis commands and the acknowledgement as one step, which happens once however often the event is delivered.
   * All keys must be in the hash slot of the stream where Redis is a cluster. At most about 7,000 words in all.
   * @returns the replies of the commands.
   * @throws {LeaseLostError} when the event is not ours any more: another has it, or an earlier try, whose reply was lost
   * on the way, has committed it. Let it pass.
   * @throws {CommitError} when a command failed after others had run: the event goes to the dead letters.
   */
  commit(commands: readonly (readonly Argument[])[]): Promise<unknown[]>
}

/** Return: acknowledged. Throw: delivered again after a delay. See also `reject` and `retryAfter`. */
export type Handler<C extends Catalog, T extends EventType<C>> = (
  event: EventOf<C, T>,
  context: Context,
) => void | Promise<void>

/** One handler for every event type of the stream; forgetting one does not compile. */
export type Handlers<C extends Catalog> = { [T in EventType<C>]: Handler<C, T> }
