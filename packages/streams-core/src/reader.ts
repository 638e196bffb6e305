import type { GroupBroker } from './broker/group.ts'
import { now } from './clock.ts'
import { Condition } from './condition.ts'
import type { Dispatcher } from './dispatcher.ts'
import type { Holdings } from './holdings.ts'
import { sleep } from './loop.ts'

/** More entries than this in one reply would hold the event loop up. */
const MAX_READ = 1_000

/** Brings new entries: asks for no more than there are free places. */
export class Reader {
  readonly #broker: GroupBroker
  readonly #holdings: Holdings
  readonly #dispatcher: Dispatcher
  readonly #blockMs: number
  /** Ends a blocking read early; through another connection, as this one is busy. */
  readonly #unblock: () => Promise<void>
  readonly #changed = new Condition()
  #isReading = false
  #pauses = 0
  /** When a read was last answered, on the clock of `now()`. */
  lastReadAt = now()

  constructor(
    options: { blockMs: number; unblock: () => Promise<void> },
    actors: { broker: GroupBroker; holdings: Holdings; dispatcher: Dispatcher },
  ) {
    this.#blockMs = options.blockMs
    this.#unblock = options.unblock
    this.#broker = actors.broker
    this.#holdings = actors.holdings
    this.#dispatcher = actors.dispatcher
  }

  get isPaused(): boolean {
    return this.#pauses > 0
  }

  async readOnce(signal: AbortSignal): Promise<number> {
    await this.#changed.wait(() => !this.isPaused, signal)
    await this.#holdings.whenFree(signal)
    if (signal.aborted || this.isPaused) return 0
    this.#isReading = true
    try {
      const deliveries = await this.#broker.read(Math.min(this.#holdings.free, MAX_READ), this.#blockMs)
      this.lastReadAt = now()
      this.#dispatcher.accept(deliveries, 'read')
      return deliveries.length
    } finally {
      this.#isReading = false
      this.#changed.notify()
    }
  }

  /** Resolves when no read is under way; none is begun before `resume`. */
  async pause(): Promise<void> {
    this.#pauses += 1
    const stopped = new AbortController()
    const idle = this.#changed.wait(() => !this.#isReading, stopped.signal).then(() => stopped.abort())
    // The read may not have reached Redis when it is unblocked for the first time.
    while (this.#isReading) {
      await this.#unblock().catch(() => {})
      await sleep(20, stopped.signal)
    }
    await idle
  }

  resume(): void {
    this.#pauses -= 1
    this.#changed.notify()
  }
}
