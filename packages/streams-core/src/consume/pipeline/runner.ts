import { now } from '../../base/clock.ts'
import type { Handler, Handlers } from '../../define/handler.ts'
import type { RunResult } from '../../define/outcome.ts'
import type { Catalog, StreamEvent } from '../../define/stream.ts'
import { resultOfThrown } from '../../define/verbs.ts'
import type { HandlerTrace } from '../../tell/trace.ts'
import type { Admission } from './admission.ts'
import { Commit, type CommitActors } from './commit.ts'
import type { Delivery } from './delivery.ts'
import { DeliveryContext } from './delivery-context.ts'
import type { Gate } from './gate.ts'
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

  /** Never rejects. The time limit is the handler's: what Redis takes to answer before it starts is not its fault. */
  async run(delivery: Delivery): Promise<RunResult> {
    const { admission, gate } = this.#actors
    const barred = gate.isClear ? undefined : gate.bars(delivery)
    if (barred) return barred
    const admitted = await admission.admit(delivery)
    if ('result' in admitted) return admitted
    const late = gate.isClear ? undefined : await this.#enter(delivery)
    if (late) return late
    const { timeoutMs } = this.#options
    const handling = this.#handle(delivery, admitted.event)
    if (timeoutMs === 0) return handling
    return withinTimeLimit(timeoutMs, handling, (reason) => delivery.lease.interrupt(reason))
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
      if (!(await admission.isOurs(delivery))) return { result: 'lease-lost' }
    }
  }

  async #handle(delivery: Delivery, event: StreamEvent): Promise<RunResult> {
    const handler = this.#handlers[event.type] as Handler<Catalog, string>
    const context = new DeliveryContext(delivery, event.id, this.#options, this.#newCommit)
    let result = RETURNED
    try {
      const { trace } = this.#actors
      await (trace ? trace([event], () => handler(event, context)) : handler(event, context))
    } catch (error) {
      result = resultOfThrown(error)
    }
    return context.committed ?? (delivery.lease.isLost ? { result: 'lease-lost' } : result)
  }

  /** One function for all deliveries, not one for each. */
  readonly #newCommit = (): Commit => new Commit(this.#actors)
}
