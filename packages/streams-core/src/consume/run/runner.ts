import { now } from '../../base/clock.ts'
import type { Handler, Handlers } from '../../define/handler.ts'
import type { RunResult } from '../../define/outcome.ts'
import type { Catalog, StreamEvent } from '../../define/stream.ts'
import { resultOfThrown } from '../../define/verbs.ts'
import type { HandlerTrace } from '../../tell/trace.ts'
import type { Gate } from '../controls/gate.ts'
import type { Delivery } from '../delivery/delivery.ts'
import type { Admission } from './admission.ts'
import type { CommitActors } from './commit.ts'
import { DeliveryContext } from './delivery-context.ts'
import { withinTimeLimit } from './time-limit.ts'

export interface RunnerOptions {
  group: string
  consumer: string
  /** How long a handler may take; 0: no limit. */
  timeoutMs: number
}

export interface RunnerActors extends CommitActors {
  admission: Admission
  gate: Gate
  trace?: HandlerTrace | undefined
}

const RETURNED: RunResult = { result: 'returned' }

/**
 * Runs the handler of one delivery, unless there is a reason not to, and says how it went. Two writes belong to the run
 * and cannot wait for the outcome: taking the idempotency record before it, and the handler's own `commit` within it.
 */
export class Runner {
  readonly #options: RunnerOptions
  readonly #handlers: Handlers<Catalog>
  readonly #actors: RunnerActors

  constructor(options: RunnerOptions, handlers: Handlers<Catalog>, actors: RunnerActors) {
    this.#options = options
    this.#handlers = handlers
    this.#actors = actors
  }

  /**
   * Never rejects. The handler is not called before `run` has returned, but a microtask later at the earliest. So the slots
   * fill up first, however long a handler computes. And the circuit knows by then how the run before this one went.
   */
  async run(delivery: Delivery): Promise<RunResult> {
    const { admission, gate } = this.#actors
    const examined = gate.bars(delivery) ?? admission.examine(delivery)
    if ('result' in examined) return examined
    const { event } = examined
    const notToRun = await (admission.isUnconfirmed(delivery) ? admission.confirm(delivery, event.id) : undefined)
    if (notToRun) return notToRun
    const unstarted = gate.isClear ? undefined : await this.#enter(delivery)
    if (unstarted) return unstarted
    // The drain has left it behind meanwhile: another consumer may have it.
    if (delivery.isConcluded) return { result: 'unstarted' }
    // Awaited here: a promise that is returned as it is takes three microtasks instead of one.
    return await this.#call(delivery, event)
  }

  /** Waits for the start; it may take so long that the lease is over meanwhile. Returns why there is no start. */
  async #enter(delivery: Delivery): Promise<RunResult | undefined> {
    const { admission, gate } = this.#actors
    for (;;) {
      const barred = await gate.enter([delivery])
      if (barred || delivery.lease.isSure) {
        delivery.startedAt = now()
        return barred
      }
      const notToRun = await admission.confirmLease(delivery)
      if (notToRun) return notToRun
    }
  }

  /** The time limit is the handler's: what Redis takes to answer before it starts is not its fault. */
  #call(delivery: Delivery, event: StreamEvent): Promise<RunResult> {
    const { timeoutMs } = this.#options
    const handling = this.#handle(delivery, event)
    if (timeoutMs === 0) return handling
    return withinTimeLimit(timeoutMs, handling, (reason) => delivery.lease.interrupt(reason))
  }

  async #handle(delivery: Delivery, event: StreamEvent): Promise<RunResult> {
    const handler = this.#handlers[event.type] as Handler<Catalog, string>
    const context = new DeliveryContext(delivery, event.id, this.#options, this.#actors)
    delivery.isCalled = true
    let result = RETURNED
    try {
      const { trace } = this.#actors
      await (trace ? trace([event], () => handler(event, context)) : handler(event, context))
    } catch (error) {
      result = resultOfThrown(error)
    }
    // What `commit` has decided overrules this: see `resultOf` in pipeline.ts.
    return delivery.lease.isLost ? { result: 'lease-lost' } : result
  }
}
