import { now } from '../../base/clock.ts'
import { Condition } from '../../base/condition.ts'
import { sleep } from '../../base/loop.ts'
import type { IntakeBroker } from '../../broker/intake.ts'
import type { Holdings } from '../pipeline/holdings.ts'
import type { Pipeline } from '../pipeline/pipeline.ts'

/** More entries than this in one reply would hold the event loop up. */
const MAX_READ = 1_000

/** Brings new entries: asks for no more than there are free places. */
export class Reader {
  readonly #broker: IntakeBroker
  readonly #holdings: Holdings
  readonly #pipeline: Pipeline
  readonly #blockMs: number
  readonly #unblock: () => Promise<void>
  readonly #changed = new Condition()
  #isReading = false
  #pauses = 0
  /** When a read was last answered, on the clock of `now()`. */
  lastReadAt = now()

  /** @param options.unblock Ends a blocking read early; through another connection, as the reading one is busy. */
  constructor(
    options: { blockMs: number; unblock: () => Promise<void> },
    actors: { broker: IntakeBroker; holdings: Holdings; pipeline: Pipeline },
  ) {
    this.#blockMs = options.blockMs
    this.#unblock = options.unblock
    this.#broker = actors.broker
    this.#holdings = actors.holdings
    this.#pipeline = actors.pipeline
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
      const entries = await this.#broker.read(Math.min(this.#holdings.free, MAX_READ), this.#blockMs)
      this.lastReadAt = now()
      this.#pipeline.accept(entries, 'read')
      return entries.length
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
