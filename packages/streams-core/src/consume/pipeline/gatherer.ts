import type { BatchHandler } from '../../define/batch.ts'
import { BatchJob } from './batch-job.ts'
import type { BatchRunner } from './batch-runner.ts'
import type { Delivery } from './delivery.ts'
import type { End } from './job.ts'

/**
 * Gathers deliveries into batches: for each batch handler one at a time. A batch is ripe when it is full, or its oldest
 * delivery has waited `maxWaitMs`. A ripe batch that is not full gathers on until it gets a slot.
 */
export class Gatherer {
  readonly #runner: BatchRunner
  readonly #onRipe: (batch: BatchJob) => void
  readonly #open = new Map<BatchHandler, BatchJob>()
  /** The batches that are not ripe yet. */
  readonly #unripe = new Map<BatchJob, NodeJS.Timeout>()

  constructor(runner: BatchRunner, onRipe: (batch: BatchJob) => void) {
    this.#runner = runner
    this.#onRipe = onRipe
  }

  add(handler: BatchHandler, delivery: Delivery, end: End): void {
    const batch = this.#open.get(handler) ?? this.#begin(handler)
    batch.add(delivery, end)
    if (!batch.isFull) return
    this.#open.delete(handler)
    this.#ripen(batch)
  }

  /**
   * How many deliveries, beyond one for each slot, find room in this many slots: a slot that a gathering batch is going
   * to take has room for all of it.
   */
  roomIn(slots: number): number {
    let room = 0
    for (const { maxSize } of this.#open.keys()) {
      if (slots <= 0) break
      room += maxSize - 1
      slots -= 1
    }
    return room
  }

  /** Nothing more is to come: what gathers is ripe. */
  ripenAll(): void {
    for (const batch of [...this.#unripe.keys()]) this.#ripen(batch)
  }

  #begin(handler: BatchHandler): BatchJob {
    const onStart = () => {
      if (this.#open.get(handler) === batch) this.#open.delete(handler)
    }
    const batch = new BatchJob(handler, this.#runner, onStart)
    this.#open.set(handler, batch)
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
