import { now } from '../../base/clock.ts'
import type { Condition } from '../../base/condition.ts'
import type { Gate } from '../controls/gate.ts'
import type { Delivery } from '../delivery/delivery.ts'
import type { End, Job } from './job.ts'
import type { Source, WaitingJobs } from './waiting-jobs.ts'

/** The weight of the newest job in the average of how long a delivery takes: the older a job, the less it counts. */
const NEWEST = 1 / 16

/**
 * For how long jobs are started in one iteration of the event loop. Without this limit, all events of a read whose
 * handlers are instant would run in one iteration, and meanwhile no read, acknowledgement or timer could begin. A longer
 * time makes nothing faster. Milliseconds.
 */
const STARTING_MS = 2

/** Runs up to `concurrency` jobs at a time: single deliveries, or batches. */
export class HandlerSlots {
  readonly concurrency: number
  readonly #waiting: WaitingJobs
  /** The jobs that run, and when each was started; the oldest first. */
  readonly #jobs = new Map<Job, number>()
  /** When this iteration of the event loop started its first job; undefined until it does. */
  #startingSince: number | undefined
  /** This iteration has started jobs for STARTING_MS: the next one goes on. */
  #hasStartedEnough = false
  #averageMs: number | undefined
  readonly #changed: Condition
  readonly #gate: Gate
  #isDraining = false

  /** @param actors.changed Notified when a job has ended, and when jobs that waited are started. */
  constructor(concurrency: number, actors: { waiting: WaitingJobs; changed: Condition; gate: Gate }) {
    this.concurrency = concurrency
    this.#waiting = actors.waiting
    this.#changed = actors.changed
    this.#gate = actors.gate
  }

  /** Slots that are not taken. */
  get freeSlots(): number {
    return this.concurrency - this.#jobs.size
  }

  /** Deliveries that run: one in each slot that is taken; of a batch, those that have no result yet, but at least one. */
  get runningDeliveries(): number {
    if (!this.#waiting.hasBatches) return this.#jobs.size
    let running = 0
    for (const job of this.#jobs.keys()) running += Math.max(1, job.open)
    return running
  }

  /** Slots that the same job has had for longer than this. */
  takenLongerThan(ms: number): number {
    let taken = 0
    const since = now() - ms
    for (const startedAt of this.#jobs.values()) {
      if (startedAt > since) break
      taken += 1
    }
    return taken
  }

  /**
   * How long a delivery has lately taken up a slot. One of a batch counts with its share of the time of the batch.
   * Undefined until a job has ended.
   */
  get averageMs(): number | undefined {
    return this.#averageMs
  }

  /**
   * Runs a delivery once there is a slot. While the consumer drains, a delivery that has no slot yet is `unstarted`, and
   * one that does not end in time is `unfinished`.
   * @param end Called with how it went: before `take` returns if the consumer drains already, or if the group or this
   * event type is paused; otherwise later.
   */
  take(delivery: Delivery, source: Source, end: End): void {
    if (this.#isDraining) return end({ result: 'unstarted' })
    const barred = this.#gate.bars(delivery)
    if (barred) return end(barred)
    this.#waiting.add(delivery, source, end)
    this.#fill()
  }

  /** Starts what waits, as far as there are slots. */
  startWhatWaits(): void {
    this.#fill()
    this.#changed.notify()
  }

  /** Nothing more is to come for now: batches that gather start as soon as there are slots. */
  ripenAll(): void {
    this.#waiting.ripenAll()
  }

  /** From now on nothing is started: what waits, and what is still to come, is `unstarted`. */
  drain(): void {
    this.#isDraining = true
    this.releaseWaiting()
  }

  /** What waits is `unstarted`. */
  releaseWaiting(): void {
    for (const job of this.#waiting.takeAll()) job.end({ result: 'unstarted' })
  }

  /** Tells the running handlers, through their signal, that their time is up. */
  interrupt(reason: Error): void {
    for (const job of this.#jobs.keys()) job.interrupt(reason)
  }

  /** Stops waiting for the handlers that still run: what they have not given a result is `unfinished`. Returns how many. */
  leaveBehind(): number {
    const left = [...this.#jobs.keys()]
    const unfinished = left.reduce((sum, job) => sum + job.open, 0)
    this.#jobs.clear()
    for (const job of left) job.end({ result: 'unfinished' })
    this.#changed.notify()
    return unfinished
  }

  get isIdle(): boolean {
    return this.#jobs.size === 0
  }

  /** Resolves when no handler runs, or the signal is aborted. */
  whenIdle(signal: AbortSignal): Promise<void> {
    return this.#changed.wait(() => this.isIdle, signal)
  }

  #fill(): void {
    while (this.freeSlots > 0 && !this.#hasStartedEnough && !this.#isDraining) {
      const job = this.#waiting.next()
      if (!job) return
      this.#start(job)
    }
  }

  #start(job: Job): void {
    const startedAt = now()
    if (this.#startingSince === undefined) {
      this.#startingSince = startedAt
      setImmediate(() => this.#nextIteration())
    }
    this.#hasStartedEnough = startedAt - this.#startingSince >= STARTING_MS
    const { size } = job
    this.#jobs.set(job, startedAt)
    void job.run(startedAt).then((result) => {
      this.#averageMs = average(this.#averageMs, (now() - startedAt) / size)
      // A job that is not there any more was left behind, and was given its result then.
      if (!this.#jobs.delete(job)) return
      // The next job is started before `end`, which frees this job's place and may wake the reader to fill it: a claimed
      // delivery takes up its place only when it is started. (After STARTING_MS nothing is started here: then the consumer
      // may hold more than it has places for, by as many as it has slots.)
      this.#fill()
      job.end(result)
      this.#changed.notify()
    })
  }

  #nextIteration(): void {
    this.#startingSince = undefined
    this.#hasStartedEnough = false
    this.startWhatWaits()
  }
}

const average = (before: number | undefined, newest: number): number =>
  before === undefined ? newest : before + NEWEST * (newest - before)
