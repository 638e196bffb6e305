import type { BatchHandler } from '../../define/batch.ts'
import type { RunResult } from '../../define/outcome.ts'
import type { Delivery } from '../delivery/delivery.ts'
import type { Batch, BatchRunner } from '../run/batch-runner.ts'
import type { End, Job } from './job.ts'

/** Deliveries that a batch handler handles together. */
export class BatchJob implements Job, Batch {
  readonly handler: BatchHandler
  readonly #runner: BatchRunner
  /** When it waits no more: it is started, or released. May be called twice. */
  readonly #onTaken: () => void
  /** The deliveries that have no result yet. */
  readonly #open = new Map<Delivery, End>()
  size = 0
  isInterrupted = false

  constructor(handler: BatchHandler, runner: BatchRunner, onTaken: () => void = () => {}) {
    this.handler = handler
    this.#runner = runner
    this.#onTaken = onTaken
  }

  static ofOne(handler: BatchHandler, runner: BatchRunner, delivery: Delivery, end: End): BatchJob {
    const job = new BatchJob(handler, runner)
    job.add(delivery, end)
    return job
  }

  add(delivery: Delivery, end: End): void {
    this.#open.set(delivery, end)
    this.size += 1
  }

  get open(): number {
    return this.#open.size
  }

  get isFull(): boolean {
    return this.size >= this.handler.maxSize
  }

  run(startedAt: number): Promise<RunResult> {
    this.#onTaken()
    const deliveries = [...this.#open.keys()]
    for (const delivery of deliveries) delivery.startedAt = startedAt
    return this.#runner.run(this, deliveries)
  }

  isOpen(delivery: Delivery): boolean {
    return this.#open.has(delivery)
  }

  endOne(delivery: Delivery, result: RunResult): void {
    const end = this.#open.get(delivery)
    this.#open.delete(delivery)
    end?.(result)
  }

  interrupt(reason: Error): void {
    this.isInterrupted = true
    for (const { lease } of this.#open.keys()) lease.interrupt(reason)
  }

  end(result: RunResult): void {
    // A batch that is released was never started: without this, the gatherer would go on adding to it.
    this.#onTaken()
    for (const delivery of [...this.#open.keys()]) this.endOne(delivery, result)
  }
}
