import { BatchHandler } from '../../define/batch.ts'
import type { Handlers } from '../../define/handler.ts'
import type { Catalog } from '../../define/stream.ts'
import { BatchJob } from './batch-job.ts'
import type { BatchRunner } from './batch-runner.ts'
import type { Delivery } from './delivery.ts'
import { Gatherer } from './gatherer.ts'
import { type End, type Job, SingleJob } from './job.ts'
import type { Runner } from './runner.ts'

/** How a delivery has come to wait for a slot. `alone`: as a crash suspect, which shares no batch. */
export type Source = 'read' | 'claimed' | 'alone'

export interface Runners {
  runner: Runner
  batchRunner: BatchRunner
}

/**
 * What waits for a handler slot, as single deliveries and in batches. While both wait, claimed deliveries and read ones
 * take turns: so they share no batch.
 */
export class WaitingJobs {
  readonly #handlers: Handlers<Catalog>
  readonly hasBatches: boolean
  readonly #runners: Runners
  readonly #claimed: Job[] = []
  readonly #read: Job[] = []
  readonly #gathering: { readonly read: Gatherer; readonly claimed: Gatherer }
  #lastWasClaimed = false
  #claimedDeliveries = 0

  /** @param onRipe Called when a batch that has gathered for a while could be started. */
  constructor(handlers: Handlers<Catalog>, runners: Runners, onRipe: () => void) {
    this.#handlers = handlers
    this.hasBatches = Object.values(handlers).some((handler) => handler instanceof BatchHandler)
    this.#runners = runners
    const gather = (ripe: Job[]) =>
      new Gatherer(runners.batchRunner, (batch) => {
        ripe.push(batch)
        onRipe()
      })
    this.#gathering = { read: gather(this.#read), claimed: gather(this.#claimed) }
  }

  add(delivery: Delivery, source: Source, end: End): void {
    if (source !== 'read') this.#claimedDeliveries += 1
    const jobs = source === 'read' ? this.#read : this.#claimed
    const handler = this.hasBatches ? this.#batchHandlerOf(delivery) : undefined
    if (!handler) jobs.push(new SingleJob(delivery, end, this.#runners.runner))
    else if (source === 'alone') jobs.push(BatchJob.ofOne(handler, this.#runners.batchRunner, delivery, end))
    else this.#gathering[source].add(handler, delivery, end)
  }

  /** Takes out what has its turn; undefined when nothing waits that could be started. */
  next(): Job | undefined {
    const [first, second] = this.#lastWasClaimed ? [this.#read, this.#claimed] : [this.#claimed, this.#read]
    this.#lastWasClaimed = first.length > 0 ? first === this.#claimed : second === this.#claimed
    const job = first.shift() ?? second.shift()
    if (job && this.#lastWasClaimed) this.#claimedDeliveries -= job.size
    return job
  }

  /** Claimed deliveries that wait. */
  get claimed(): number {
    return this.#claimedDeliveries
  }

  /** How many read deliveries fit into this many slots, one in each or a batch, whatever waits already. */
  readFor(slots: number): number {
    return slots + this.#gathering.read.roomIn(slots)
  }

  /** The same for claimed deliveries. */
  claimedFor(slots: number): number {
    return slots + this.#gathering.claimed.roomIn(slots)
  }

  /** Nothing more is to come for now: what gathers may start. */
  gatherNoMore(): void {
    this.#gathering.claimed.ripenAll()
    this.#gathering.read.ripenAll()
  }

  /** Takes everything out. */
  takeAll(): Job[] {
    this.gatherNoMore()
    this.#claimedDeliveries = 0
    return [...this.#claimed.splice(0), ...this.#read.splice(0)]
  }

  /** Without decoding the entry. One that is not to be run waits for no others. */
  #batchHandlerOf(delivery: Delivery): BatchHandler | undefined {
    const { type } = delivery.event
    if (delivery.kind !== 'run' || type === undefined || !Object.hasOwn(this.#handlers, type)) return undefined
    const handler = this.#handlers[type]
    return handler instanceof BatchHandler ? handler : undefined
  }
}
