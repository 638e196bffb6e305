import { Condition } from '../../base/condition.ts'
import type { RunResult } from '../../define/outcome.ts'
import type { Delivery } from './delivery.ts'

/** A delivery that waits for a slot or has one, and what is to be told when it has ended. */
interface Job {
  readonly delivery: Delivery
  readonly run: () => Promise<RunResult>
  /** Later calls are ignored. */
  readonly end: (result: RunResult) => void
}

/** Runs up to `concurrency` handlers at a time; claimed deliveries before read ones: they have waited longer. */
export class HandlerSlots {
  readonly #concurrency: number
  readonly #claimed: Job[] = []
  readonly #read: Job[] = []
  readonly #running = new Set<Job>()
  readonly #changed = new Condition()
  #isDraining = false

  constructor(concurrency: number) {
    this.#concurrency = concurrency
  }

  /** How many claimed deliveries could be started now. */
  get free(): number {
    return Math.max(0, this.#concurrency - this.#running.size - this.#claimed.length)
  }

  /** How many claimed deliveries can be taken without piling up. */
  get roomForClaimed(): number {
    return Math.max(0, this.#concurrency - this.#claimed.length)
  }

  /**
   * Runs a delivery once there is a slot; resolves to how it went. While the consumer drains, a delivery that has no
   * slot yet is `unstarted`, and one that does not end in time is `unfinished`.
   * @param run Never rejects.
   */
  run(delivery: Delivery, source: 'read' | 'claimed', run: () => Promise<RunResult>): Promise<RunResult> {
    if (this.#isDraining) return Promise.resolve({ result: 'unstarted' })
    return new Promise((end) => {
      const waiting = source === 'read' ? this.#read : this.#claimed
      waiting.push({ delivery, run, end })
      this.#startWaiting()
    })
  }

  /** Starts nothing more. */
  drain(): void {
    this.#isDraining = true
    for (const { end } of [...this.#claimed.splice(0), ...this.#read.splice(0)]) end({ result: 'unstarted' })
  }

  /** Tells the running handlers, through their signal, that their time is up. */
  interrupt(): void {
    for (const { delivery } of this.#running) delivery.lease.interrupt(new Error('the consumer is stopping'))
  }

  /** No longer waits for what still runs. Returns how many handlers that are. */
  leaveBehind(): number {
    const left = [...this.#running]
    this.#running.clear()
    for (const { end } of left) end({ result: 'unfinished' })
    this.#changed.notify()
    return left.length
  }

  /** Resolves when no handler runs, or the signal is aborted. */
  whenIdle(signal: AbortSignal): Promise<void> {
    return this.#changed.wait(() => this.#running.size === 0, signal)
  }

  #startWaiting(): void {
    while (this.#running.size < this.#concurrency) {
      const job = this.#claimed.shift() ?? this.#read.shift()
      if (!job) return
      this.#running.add(job)
      void job.run().then((result) => this.#ended(job, result))
    }
  }

  #ended(job: Job, result: RunResult): void {
    // The drain left the job behind: its result was given then, and its slot was freed.
    if (!this.#running.delete(job)) return
    job.end(result)
    this.#changed.notify()
    this.#startWaiting()
  }
}
