import { now } from '../../base/clock.ts'
import type { Condition } from '../../base/condition.ts'
import type { Handlers } from '../../define/handler.ts'
import type { Catalog } from '../../define/stream.ts'
import type { Delivery } from './delivery.ts'
import type { End, Job } from './job.ts'
import { type Runners, type Source, WaitingJobs } from './waiting-jobs.ts'

/** The buffer holds what will start within this time. */
const SOON_MS = 50

/** The share of the newest handler in the average of how long a delivery takes: older ones count less and less. */
const NEWEST = 1 / 16

/**
 * For how long handlers are started in one turn of the event loop. Without this limit all events of a read whose
 * handlers are instant would run in one turn, and meanwhile no read, acknowledgement or timer could begin. Milliseconds.
 */
const TURN_MS = 2

/** Runs up to `concurrency` handlers at a time. */
export class HandlerSlots {
  readonly #concurrency: number
  readonly #waiting: WaitingJobs
  /** When each was started; the oldest first. */
  readonly #running = new Map<Job, number>()
  /** Undefined until a handler is started in this turn of the event loop. */
  #turnBeganAt: number | undefined
  #isTurnOver = false
  #averageMs: number | undefined
  readonly #changed: Condition
  #isDraining = false

  /** @param changed Notified when a slot is taken or freed. */
  constructor(concurrency: number, handlers: Handlers<Catalog>, runners: Runners, changed: Condition) {
    this.#concurrency = concurrency
    this.#changed = changed
    this.#waiting = new WaitingJobs(handlers, runners, () => this.#startWaitingAndNotify())
  }

  get #freeSlots(): number {
    return this.#concurrency - this.#running.size
  }

  /** Deliveries whose handlers run. */
  get deliveries(): number {
    let running = 0
    for (const job of this.#running.keys()) running += job.open
    return running
  }

  /** How many deliveries the slots have and could have at a time: one each, or a batch. */
  get capacity(): number {
    if (!this.#waiting.hasBatches) return this.#concurrency
    let running = 0
    for (const job of this.#running.keys()) running += Math.max(1, job.open)
    return running + this.#waiting.readFor(this.#freeSlots)
  }

  /** How many claimed deliveries could be started now. */
  get free(): number {
    return Math.max(0, this.#waiting.claimedFor(this.#freeSlots) - this.#waiting.claimed)
  }

  /**
   * How many deliveries, besides as many as there are slots, will be started within SOON_MS, going by how long handlers
   * have lately taken for each. A slot that is taken for longer than that starts none. 0 until a handler has ended.
   */
  get startingSoon(): number {
    if (this.#averageMs === undefined || this.#averageMs >= SOON_MS) return 0
    const perSlot = SOON_MS / Math.max(this.#averageMs, 0.001)
    return Math.max(0, Math.floor((this.#concurrency - this.#slowSlots) * perSlot) - this.#concurrency)
  }

  /** Slots that have been taken for longer than SOON_MS. */
  get #slowSlots(): number {
    let slow = 0
    const since = now() - SOON_MS
    for (const startedAt of this.#running.values()) {
      if (startedAt > since) break
      slow += 1
    }
    return slow
  }

  /** Claimed deliveries that wait for a slot. */
  get waitingClaimed(): number {
    return this.#waiting.claimed
  }

  /** How many claimed deliveries can be taken without piling up. */
  get roomForClaimed(): number {
    return Math.max(0, this.#waiting.claimedFor(this.#concurrency) - this.#waiting.claimed)
  }

  /** Resolves when half as many claimed deliveries as there are slots can be taken, or the signal is aborted. */
  whenRoomForClaimed(signal: AbortSignal): Promise<void> {
    return this.#changed.wait(() => this.roomForClaimed >= this.#concurrency / 2, signal)
  }

  /**
   * Runs a delivery once there is a slot. While the consumer drains, a delivery that has no slot yet is `unstarted`, and
   * one that does not end in time is `unfinished`. A handler that takes too long is `timed-out`.
   * @param end Called once, with how it went.
   */
  run(delivery: Delivery, source: Source, end: End): void {
    if (this.#isDraining) return end({ result: 'unstarted' })
    this.#waiting.add(delivery, source, end)
    this.#startWaiting()
  }

  /** Nothing more is to come for now: batches that gather start as soon as there are slots. */
  gatherNoMore(): void {
    this.#waiting.gatherNoMore()
  }

  /** Starts nothing more. */
  drain(): void {
    this.#isDraining = true
    for (const job of this.#waiting.takeAll()) job.end({ result: 'unstarted' })
  }

  /** Tells the running handlers, through their signal, that their time is up. */
  interrupt(): void {
    for (const job of this.#running.keys()) job.interrupt(new Error('the consumer is stopping'))
  }

  /** Stops waiting for the handlers that still run. Returns how many deliveries they have. */
  leaveBehind(): number {
    const left = [...this.#running.keys()]
    const unfinished = this.deliveries
    this.#running.clear()
    for (const job of left) job.end({ result: 'unfinished' })
    this.#changed.notify()
    return unfinished
  }

  get isIdle(): boolean {
    return this.#running.size === 0
  }

  /** Resolves when no handler runs, or the signal is aborted. */
  whenIdle(signal: AbortSignal): Promise<void> {
    return this.#changed.wait(() => this.isIdle, signal)
  }

  #startWaiting(): void {
    while (this.#freeSlots > 0 && !this.#isTurnOver && !this.#isDraining) {
      const job = this.#waiting.next()
      if (!job) return
      this.#start(job)
    }
  }

  #startWaitingAndNotify(): void {
    this.#startWaiting()
    this.#changed.notify()
  }

  #start(job: Job): void {
    const startedAt = now()
    if (this.#turnBeganAt === undefined) {
      this.#turnBeganAt = startedAt
      setImmediate(() => this.#nextTurn())
    }
    this.#isTurnOver = startedAt - this.#turnBeganAt >= TURN_MS
    const { size } = job
    this.#running.set(job, startedAt)
    void job.run(startedAt).then((result) => {
      this.#averageMs = average(this.#averageMs, (now() - startedAt) / size)
      // The job was left behind by the drain: its result was given then.
      if (!this.#running.delete(job)) return
      // First, because the end of a job may let the reader ask for what has no slot any more.
      this.#startWaiting()
      job.end(result)
      this.#changed.notify()
    })
  }

  #nextTurn(): void {
    this.#turnBeganAt = undefined
    this.#isTurnOver = false
    this.#startWaitingAndNotify()
  }
}

const average = (before: number | undefined, newest: number): number =>
  before === undefined ? newest : before + NEWEST * (newest - before)
