import { now } from '../../base/clock.ts'
import { Condition } from '../../base/condition.ts'
import type { RunResult } from '../../define/outcome.ts'
import type { Delivery } from './delivery.ts'

/** A delivery that waits for a slot or has one, and what is to be told when it has ended. */
interface Job {
  readonly delivery: Delivery
  readonly end: (result: RunResult) => void
}

/** Time that a handler has to end once its signal has fired because it took too long. */
const GRACE_MS = 1_000

/** The buffer holds what will start within this time. */
const SOON_MS = 50

/** The share of the newest handler in the average of how long handlers take: older ones count less and less. */
const NEWEST = 1 / 16

/**
 * For how long handlers are started in one turn of the event loop. Without this limit all events of a read whose
 * handlers are instant would run in one turn, and meanwhile no read, acknowledgement or timer could begin. Milliseconds.
 */
const TURN_MS = 2

/** Runs up to `concurrency` handlers at a time. While both wait, claimed deliveries and read ones take turns. */
export class HandlerSlots {
  readonly #concurrency: number
  readonly #timeoutMs: number
  readonly #claimed: Job[] = []
  readonly #read: Job[] = []
  readonly #running = new Set<Job>()
  readonly #run: (delivery: Delivery) => Promise<RunResult>
  #lastWasClaimed = false
  /** Undefined until a handler is started in this turn of the event loop. */
  #turnBeganAt: number | undefined
  #isTurnOver = false
  #averageMs: number | undefined
  readonly #changed = new Condition()
  #isDraining = false

  /**
   * @param options.timeoutMs How long a handler may take; 0: no limit.
   * @param run Runs the handler of a delivery. Never rejects.
   */
  constructor(options: { concurrency: number; timeoutMs: number }, run: (delivery: Delivery) => Promise<RunResult>) {
    this.#run = run
    this.#concurrency = options.concurrency
    this.#timeoutMs = options.timeoutMs
  }

  /** How many claimed deliveries could be started now. */
  get free(): number {
    return Math.max(0, this.#concurrency - this.#running.size - this.#claimed.length)
  }

  /**
   * How many deliveries, besides as many as there are slots, will be started within SOON_MS, going by how long handlers
   * have lately taken. 0 until a handler has ended.
   */
  get startingSoon(): number {
    if (this.#averageMs === undefined) return 0
    return Math.max(0, Math.floor(this.#concurrency * (SOON_MS / Math.max(this.#averageMs, 0.001) - 1)))
  }

  /** Claimed deliveries that wait for a slot. */
  get waitingClaimed(): number {
    return this.#claimed.length
  }

  /** How many claimed deliveries can be taken without piling up. */
  get roomForClaimed(): number {
    return Math.max(0, this.#concurrency - this.#claimed.length)
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
  run(delivery: Delivery, source: 'read' | 'claimed', end: (result: RunResult) => void): void {
    if (this.#isDraining) return end({ result: 'unstarted' })
    const waiting = source === 'read' ? this.#read : this.#claimed
    waiting.push({ delivery, end })
    this.#startWaiting()
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

  /** Stops waiting for the handlers that still run. Returns how many there are. */
  leaveBehind(): number {
    const left = [...this.#running]
    this.#running.clear()
    for (const { end } of left) end({ result: 'unfinished' })
    this.#changed.notify()
    return left.length
  }

  get isIdle(): boolean {
    return this.#running.size === 0
  }

  /** Resolves when no handler runs, or the signal is aborted. */
  whenIdle(signal: AbortSignal): Promise<void> {
    return this.#changed.wait(() => this.isIdle, signal)
  }

  #startWaiting(): void {
    while (this.#running.size < this.#concurrency && !this.#isTurnOver) {
      const [first, second] = this.#lastWasClaimed ? [this.#read, this.#claimed] : [this.#claimed, this.#read]
      this.#lastWasClaimed = first.length > 0 ? first === this.#claimed : second === this.#claimed
      const job = first.shift() ?? second.shift()
      if (!job) return
      this.#start(job)
    }
  }

  #start(job: Job): void {
    const startedAt = now()
    if (this.#turnBeganAt === undefined) {
      this.#turnBeganAt = startedAt
      setImmediate(() => this.#nextTurn())
    }
    this.#isTurnOver = startedAt - this.#turnBeganAt >= TURN_MS
    this.#running.add(job)
    job.delivery.startedAt = startedAt
    const timer = this.#timeoutMs > 0 ? this.#limit(job) : undefined
    void this.#run(job.delivery).then((result) => {
      clearTimeout(timer?.current)
      this.#averageMs = average(this.#averageMs, now() - startedAt)
      this.#ended(job, timer?.hasFired && result.result === 'threw' ? this.#timedOut : result)
    })
  }

  #nextTurn(): void {
    this.#turnBeganAt = undefined
    this.#isTurnOver = false
    this.#startWaiting()
  }

  /** Starts the time limit of a handler: at its end the handler is told to stop; a second later its slot is freed. */
  #limit(job: Job): { current: NodeJS.Timeout; hasFired: boolean } {
    const fire = () => {
      timer.hasFired = true
      job.delivery.lease.interrupt(new Error(`the handler has taken ${this.#timeoutMs} ms`))
      timer.current = setTimeout(() => this.#ended(job, this.#timedOut), GRACE_MS)
    }
    const timer = { current: setTimeout(fire, this.#timeoutMs), hasFired: false }
    return timer
  }

  get #timedOut(): RunResult {
    return { result: 'timed-out', timeoutMs: this.#timeoutMs }
  }

  #ended(job: Job, result: RunResult): void {
    // The job was left behind, by the drain or at its time limit: its result was given then, and its slot was freed.
    if (!this.#running.delete(job)) return
    job.end(result)
    this.#startWaiting()
    this.#changed.notify()
  }
}

const average = (before: number | undefined, newest: number): number =>
  before === undefined ? newest : before + NEWEST * (newest - before)
