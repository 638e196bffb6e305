import type { RunResult } from '../../define/outcome.ts'
import type { Delivery } from '../delivery/delivery.ts'
import type { Runner } from '../run/runner.ts'

/**
 * Called exactly once for each delivery, with how its run went: in most cases later than the call that it was passed to,
 * but at once when a consumer that drains takes a delivery in, or the group or its event type is paused. It never throws:
 * nobody would catch it.
 */
export type End = (result: RunResult) => void

/** What takes one handler slot: a delivery, or a batch of them. */
export interface Job {
  /** How many deliveries it has. Stays the same from its start on. */
  readonly size: number
  /** How many of them have no result yet. */
  readonly open: number
  /** Resolves when the slot is free again, to the result of every delivery that has none yet. Never rejects. */
  run(startedAt: number): Promise<RunResult>
  /** Tells the handler, through its signal, to stop. */
  interrupt(reason: Error): void
  /** Gives this result to every delivery that has none yet. */
  end(result: RunResult): void
}

/** One delivery, for a handler of single events. */
export class SingleJob implements Job {
  readonly end: End
  readonly #delivery: Delivery
  readonly #runner: Runner

  constructor(delivery: Delivery, end: End, runner: Runner) {
    this.#delivery = delivery
    this.end = end
    this.#runner = runner
  }

  get size(): number {
    return 1
  }

  get open(): number {
    return 1
  }

  run(startedAt: number): Promise<RunResult> {
    this.#delivery.startedAt = startedAt
    return this.#runner.run(this.#delivery)
  }

  interrupt(reason: Error): void {
    this.#delivery.lease.interrupt(reason)
  }
}
