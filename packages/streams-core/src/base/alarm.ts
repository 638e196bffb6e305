import { now } from './clock.ts'
import { Condition } from './condition.ts'
import { sleep, within } from './loop.ts'

/** A rest that ends at the earliest of the times that anybody has asked for. */
export class Alarm {
  readonly #changed = new Condition()
  #at = Number.POSITIVE_INFINITY

  /** Asks for the rest to end in `ms`, whether it has begun or is still to come. */
  wakeIn(ms: number): void {
    const at = now() + ms
    if (at >= this.#at) return
    this.#at = at
    this.#changed.notify()
  }

  /** Rests for `minMs` at least and `maxMs` at most. */
  async rest(minMs: number, maxMs: number, signal: AbortSignal): Promise<void> {
    await sleep(minMs, signal)
    this.wakeIn(maxMs - minMs)
    while (!signal.aborted && now() < this.#at) {
      const at = this.#at
      await within(at - now(), signal, (limit) => this.#changed.wait(() => this.#at < at, limit))
    }
    this.#at = Number.POSITIVE_INFINITY
  }
}
