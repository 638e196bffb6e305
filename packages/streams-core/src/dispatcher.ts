import { now } from './clock.ts'
import { Condition } from './condition.ts'
import { type DecidePolicy, decide, type Run } from './decide.ts'
import type { Delivery } from './delivery.ts'
import type { Decoded } from './entry.ts'
import type { Holdings } from './holdings.ts'
import type { Runner } from './runner.ts'
import type { Settler } from './settler.ts'

interface Running {
  delivery: Delivery
  decoded: Decoded | undefined
  startedAt: number
}

/** Runs deliveries, so many at a time; claimed ones before read ones, because they have waited longer. */
export class Dispatcher {
  readonly #concurrency: number
  readonly #policy: DecidePolicy
  readonly #holdings: Holdings
  readonly #runner: Runner
  readonly #settler: Settler
  readonly #claimed: Delivery[] = []
  readonly #read: Delivery[] = []
  readonly #running = new Set<Running>()
  readonly #changed = new Condition()
  #draining = false

  constructor(
    options: { concurrency: number; policy: DecidePolicy },
    actors: { holdings: Holdings; runner: Runner; settler: Settler },
  ) {
    this.#concurrency = options.concurrency
    this.#policy = options.policy
    this.#holdings = actors.holdings
    this.#runner = actors.runner
    this.#settler = actors.settler
  }

  /** How many claimed deliveries could be started now. */
  get free(): number {
    return Math.max(0, this.#concurrency - this.#running.size - this.#claimed.length)
  }

  /** How many claimed deliveries can be taken without piling up. */
  get roomForClaimed(): number {
    return Math.max(0, this.#concurrency - this.#claimed.length)
  }

  /** Takes over deliveries. One that is held already came twice, by a reply and by a recovery: it is left out. */
  accept(deliveries: readonly Delivery[], source: 'read' | 'claimed'): void {
    for (const delivery of deliveries) {
      if (this.#holdings.has(delivery.entryId)) continue
      this.#holdings.add(delivery)
      if (this.#draining) this.handBack(delivery)
      else (source === 'read' ? this.#read : this.#claimed).push(delivery)
    }
    this.#pump()
  }

  /** Runs one delivery, expecting nothing else to be in flight; resolves when it is settled, or the signal is aborted. */
  async runAlone(delivery: Delivery, signal: AbortSignal): Promise<void> {
    this.#holdings.add(delivery)
    if (this.#draining) this.handBack(delivery)
    else void this.#start(delivery)
    await this.whenIdle(signal)
  }

  /** Resolves when nothing runs, waits, or is still to be settled, apart from one delivery; or the signal is aborted. */
  async whenIdle(signal: AbortSignal, but?: Delivery): Promise<void> {
    await this.#changed.wait(() => this.#running.size === 0, signal)
    await this.#holdings.whenEmptyBut(but, signal)
  }

  /** Starts nothing more, and hands back what has not started. */
  drain(): void {
    this.#draining = true
    for (const delivery of [...this.#claimed.splice(0), ...this.#read.splice(0)]) this.handBack(delivery)
  }

  /** Hands back what was not started. */
  handBack(delivery: Delivery): void {
    const decoded = this.#runner.decode(delivery)
    void this.#settle({ delivery, decoded, startedAt: now() }, { result: 'unstarted' })
  }

  /** Tells the running handlers, through their signal, that their time is up. */
  interrupt(): void {
    for (const { delivery } of this.#running) delivery.lease.interrupt(new Error('the consumer is stopping'))
  }

  /** Hands back what still runs, and no longer waits for it. Returns how many. */
  leaveBehind(): number {
    const left = [...this.#running]
    this.#running.clear()
    for (const running of left) void this.#settle(running, { result: 'unfinished' })
    this.#changed.notify()
    return left.length
  }

  #pump(): void {
    while (this.#running.size < this.#concurrency) {
      const delivery = this.#claimed.shift() ?? this.#read.shift()
      if (!delivery) return
      void this.#start(delivery)
    }
  }

  async #start(delivery: Delivery): Promise<void> {
    const running = { delivery, decoded: this.#runner.decode(delivery), startedAt: now() }
    this.#running.add(running)
    const run = await this.#runner.run(delivery, running.decoded)
    // Left behind: it has been handed back, and its outcome is no longer ours to write.
    if (!this.#running.delete(running)) return
    this.#changed.notify()
    this.#pump()
    await this.#settle(running, run)
  }

  #settle({ delivery, decoded, startedAt }: Running, run: Run): Promise<void> {
    const outcome = decide(run, delivery.attempt, this.#policy)
    return this.#settler.settle({ delivery, decoded, run, outcome, startedAt })
  }
}
