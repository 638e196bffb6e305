import type { BatchHandler } from '../../define/batch.ts'
import type { Delivery } from '../delivery/delivery.ts'
import type { BatchRunner } from '../run/batch-runner.ts'
import { BatchJob } from './batch-job.ts'
import type { End } from './job.ts'

/**
 * Gathers deliveries into batches: for each batch handler one at a time. A batch is ripe when it is full, or its oldest
 * delivery has waited `maxWaitMs`. A ripe batch that is not full gathers on until it is started.
 */
export class Gatherer {
  readonly #runner: BatchRunner
  readonly #onRipe: (batch: BatchJob) => void
  /** The batches that gather: neither full, nor taken to be started or released. */
  readonly #gathering = new Map<BatchHandler, BatchJob>()
  /** The batches that are not ripe yet, and what makes each ripe in time. */
  readonly #unripe = new Map<BatchJob, NodeJS.Timeout>()

  /** @param onRipe Called at once, and once for each batch, when it becomes ripe. */
  constructor(runner: BatchRunner, onRipe: (batch: BatchJob) => void) {
    this.#runner = runner
    this.#onRipe = onRipe
  }

  add(handler: BatchHandler, delivery: Delivery, end: End): void {
    const batch = this.#gathering.get(handler) ?? this.#begin(handler)
    batch.add(delivery, end)
    if (!batch.isFull) return
    this.#gathering.delete(handler)
    this.#ripen(batch)
  }

  /** See `WaitingJobs.fitInto`. */
  fitInto(slots: number): number {
    let fit = slots
    let slotsLeft = slots
    for (const { maxSize } of this.#gathering.keys()) {
      if (slotsLeft <= 0) break
      fit += maxSize - 1
      slotsLeft -= 1
    }
    return fit
  }

  /** Makes ripe whatever is not. */
  ripenAll(): void {
    for (const batch of [...this.#unripe.keys()]) this.#ripen(batch)
  }

  /** Takes out whatever is not ripe. */
  takeAll(): BatchJob[] {
    const unripe = [...this.#unripe.keys()]
    for (const timer of this.#unripe.values()) clearTimeout(timer)
    this.#unripe.clear()
    return unripe
  }

  #begin(handler: BatchHandler): BatchJob {
    const onTaken = () => {
      if (this.#gathering.get(handler) === batch) this.#gathering.delete(handler)
    }
    const batch = new BatchJob(handler, this.#runner, onTaken)
    this.#gathering.set(handler, batch)
    this.#unripe.set(
      batch,
      setTimeout(() => this.#ripen(batch), handler.maxWaitMs),
    )
    return batch
  }

  #ripen(batch: BatchJob): void {
    clearTimeout(this.#unripe.get(batch))
    if (this.#unripe.delete(batch)) this.#onRipe(batch)
  }
}
