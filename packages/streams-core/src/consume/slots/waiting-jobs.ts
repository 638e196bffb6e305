import { BatchHandler } from '../../define/batch.ts'
import type { Handlers } from '../../define/handler.ts'
import type { Catalog } from '../../define/stream.ts'
import type { Delivery } from '../delivery/delivery.ts'
import type { BatchRunner } from '../run/batch-runner.ts'
import type { Runner } from '../run/runner.ts'
import { BatchJob } from './batch-job.ts'
import { Gatherer } from './gatherer.ts'
import { type End, type Job, SingleJob } from './job.ts'

/**
 * How a delivery has come to this consumer. `alone`: it was claimed as a crash suspect and has to run alone, so it never
 * shares a batch.
 */
export type Source = 'read' | 'claimed' | 'alone'

export interface Runners {
  runner: Runner
  batchRunner: BatchRunner
}

/**
 * What waits for a handler slot: jobs, which are single deliveries or batches. While both wait, jobs of claimed
 * deliveries and jobs of read ones take turns, so that neither kind keeps the other waiting. For that, each batch has to
 * be of one kind: claimed deliveries and read ones gather in batches of their own.
 */
export class WaitingJobs {
  readonly #handlers: Handlers<Catalog>
  /**
   * Whether there are batch handlers. If not, no delivery's type is looked up, and each job is one delivery, so that jobs
   * need not be looked through: with 2,000 slots, a consumer spends an eighth less CPU.
   */
  readonly hasBatches: boolean
  readonly #runners: Runners
  readonly #claimedJobs: Job[] = []
  readonly #readJobs: Job[] = []
  readonly #gatherers: { readonly read: Gatherer; readonly claimed: Gatherer }
  #lastWasClaimed = false
  #claimed = 0

  /** @param onRipe Called at once when a batch becomes ripe, so that it could be started. */
  constructor(handlers: Handlers<Catalog>, runners: Runners, onRipe: () => void) {
    this.#handlers = handlers
    this.hasBatches = Object.values(handlers).some((handler) => handler instanceof BatchHandler)
    this.#runners = runners
    const gatherFor = (jobs: Job[]) =>
      new Gatherer(runners.batchRunner, (batch) => {
        jobs.push(batch)
        onRipe()
      })
    this.#gatherers = { read: gatherFor(this.#readJobs), claimed: gatherFor(this.#claimedJobs) }
  }

  add(delivery: Delivery, source: Source, end: End): void {
    if (source !== 'read') this.#claimed += 1
    const jobs = source === 'read' ? this.#readJobs : this.#claimedJobs
    const handler = this.hasBatches ? this.#batchHandlerOf(delivery) : undefined
    if (!handler) jobs.push(new SingleJob(delivery, end, this.#runners.runner))
    else if (source === 'alone') jobs.push(BatchJob.ofOne(handler, this.#runners.batchRunner, delivery, end))
    else this.#gatherers[source].add(handler, delivery, end)
  }

  /** Takes out the job that is to be started next. Undefined when there is none; there may be batches that gather. */
  next(): Job | undefined {
    const isClaimed = this.#readJobs.length === 0 || (this.#claimedJobs.length > 0 && !this.#lastWasClaimed)
    const job = isClaimed ? this.#claimedJobs.shift() : this.#readJobs.shift()
    if (!job) return undefined
    this.#lastWasClaimed = isClaimed
    if (isClaimed) this.#claimed -= job.size
    return job
  }

  /** Claimed deliveries that wait, those that gather included. */
  get claimed(): number {
    return this.#claimed
  }

  /**
   * How many deliveries fit into this many slots: one into each, or all of a batch that gathers and is going to take the
   * slot. Deliveries that wait already are not subtracted: `Room` does that.
   */
  fitInto(slots: number, source: 'read' | 'claimed'): number {
    return this.#gatherers[source].fitInto(slots)
  }

  /** Nothing more is to come for now: what gathers is ripe. */
  ripenAll(): void {
    this.#gatherers.claimed.ripenAll()
    this.#gatherers.read.ripenAll()
  }

  /** Takes everything out. */
  takeAll(): Job[] {
    this.#claimed = 0
    const { claimed, read } = this.#gatherers
    return [...this.#claimedJobs.splice(0), ...this.#readJobs.splice(0), ...claimed.takeAll(), ...read.takeAll()]
  }

  /**
   * The batch handler that the delivery is to gather for, found without decoding the entry. A `crashed` delivery gathers
   * for none, as it is not to be run. An entry that turns out to be malformed, or to be for another group, gathers all
   * the same.
   */
  #batchHandlerOf(delivery: Delivery): BatchHandler | undefined {
    const { type } = delivery
    if (delivery.kind === 'crashed' || type === undefined || !Object.hasOwn(this.#handlers, type)) return undefined
    const handler = this.#handlers[type]
    return handler instanceof BatchHandler ? handler : undefined
  }
}
