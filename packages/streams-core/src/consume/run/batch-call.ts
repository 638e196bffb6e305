import { StreamsError } from '../../base/errors.ts'
import type { BatchContext } from '../../define/batch.ts'
import type { HandlerResult, RunResult } from '../../define/outcome.ts'
import type { StreamEvent } from '../../define/stream.ts'
import { reject, resultOfThrown, retryAfter, skip } from '../../define/verbs.ts'
import type { Delivery } from '../delivery/delivery.ts'
import type { Commands, Commit } from './commit.ts'

/** An event of a batch, and its delivery. */
export interface BatchMember {
  readonly event: StreamEvent
  readonly delivery: Delivery
}

/** One call of `handle`: its context, and what the handler says with it. */
export class BatchCall {
  readonly context: BatchContext
  readonly #members: readonly BatchMember[]
  readonly #commit: Commit
  /** Event id → the result that the handler has named. */
  readonly #named = new Map<string, HandlerResult>()
  #isClosed = false
  #abort: AbortController | undefined
  #toldToStop: Error | undefined
  #stopListening = () => {}

  constructor(members: readonly BatchMember[], who: { group: string; consumer: string }, commit: Commit) {
    this.#members = members
    this.#commit = commit
    const { group, consumer } = who
    const signal = () => this.#signal
    this.context = {
      group,
      consumer,
      get signal() {
        return signal()
      },
      deliveries: members.map(({ event, delivery: { entryId, attempt } }) => {
        return { entryId, attempt, idempotencyKey: `${group}:${event.id}` }
      }),
      fail: (eventId, error) => this.#name(eventId, resultOfThrown(error)),
      skip: (eventId, reason) =>
        this.#name(
          eventId,
          resultOfVerb(() => skip(reason)),
        ),
      reject: (eventId, reason) =>
        this.#name(
          eventId,
          resultOfVerb(() => reject(reason)),
        ),
      retryAfter: (eventId, delayMs, reason) =>
        this.#name(
          eventId,
          resultOfVerb(() => retryAfter(delayMs, reason)),
        ),
      commit: (commands) => this.#run(commands),
    }
  }

  /** The result that the handler has named for this event; undefined if it has named none. */
  namedFor({ event }: BatchMember): HandlerResult | undefined {
    return this.#named.get(event.id)
  }

  /** Set once `commit` has decided the result of all that has not failed. */
  get committed(): RunResult | undefined {
    return this.#commit.result
  }

  /** The handler's time is up. Only for this call: the next one gets a signal of its own. */
  tellToStop(reason: Error): void {
    this.#toldToStop = reason
    this.#abort?.abort(reason)
  }

  /**
   * `handle` has ended, or is left behind: what it says from now on comes too late. Resolves once a commit that is on its
   * way has ended, too, which may have decided everything; until then a lease that is lost still ends it.
   */
  async close(): Promise<void> {
    this.#isClosed = true
    await this.#commit.ended
    this.#stopListening()
  }

  #name(eventId: string, result: HandlerResult): void {
    this.#mustBeOpen()
    if (!this.#members.some(({ event }) => event.id === eventId)) {
      throw new StreamsError('UNKNOWN_EVENT', `no event of this batch has the id ${JSON.stringify(eventId)}`)
    }
    this.#named.set(eventId, result)
  }

  async #run(commands: Commands): Promise<unknown[]> {
    // A second commit has an error of its own.
    if (!this.#commit.isCalled) this.#mustBeOpen()
    const deliveries = this.#members.filter((member) => !this.namedFor(member)).map(({ delivery }) => delivery)
    if (deliveries.length === 0) throw new StreamsError('NOTHING_TO_COMMIT', 'every event of this batch has failed')
    return this.#commit.run(deliveries, commands, this.#signal)
  }

  #mustBeOpen(): void {
    if (this.#isClosed || this.#commit.isCalled) {
      throw new StreamsError('BATCH_CLOSED', 'commit was called before, or handle has ended')
    }
  }

  /** Created on demand. Fires, apart from `tellToStop`, when the signal of every delivery has fired. */
  get #signal(): AbortSignal {
    if (this.#abort) return this.#abort.signal
    const abort = new AbortController()
    this.#abort = abort
    // A call that is over is told nothing more.
    if (!this.#isClosed) this.#listenToLeases(abort)
    if (this.#toldToStop) abort.abort(this.#toldToStop)
    return abort.signal
  }

  #listenToLeases(abort: AbortController): void {
    const signals = this.#members.map(({ delivery }) => delivery.lease.signal)
    const onAbort = () => {
      if (signals.every(({ aborted }) => aborted)) abort.abort(signals[0]?.reason)
    }
    for (const signal of signals) signal.addEventListener('abort', onAbort)
    // Each halving would leave one more listener on every lease.
    this.#stopListening = () => {
      for (const signal of signals) signal.removeEventListener('abort', onAbort)
    }
    onAbort()
  }
}

function resultOfVerb(verb: () => never): HandlerResult {
  try {
    return verb()
  } catch (thrown) {
    return resultOfThrown(thrown)
  }
}
