import { now } from './clock.ts'
import { sleep } from './loop.ts'

/** A rest that ends at the earliest of the times that anybody has asked for. */
export class Alarm {
  #at = Number.POSITIVE_INFINITY
  #rung: (() => void) | undefined

  /** Asks for the rest to end in `ms`, whether it has begun or is still to come. */
  wakeIn(ms: number): void {
    const at = now() + ms
    if (at >= this.#at) return
    this.#at = at
    this.#rung?.()
  }

  /** Rests for `minMs` at least and `maxMs` at most. */
  async rest(minMs: number, maxMs: number, signal: AbortSignal): Promise<void> {
    await sleep(minMs, signal)
    this.wakeIn(maxMs - minMs)
    while (!signal.aborted && now() < this.#at) {
      const changed = new AbortController()
      this.#rung = () => changed.abort()
      const stop = () => changed.abort()
      signal.addEventListener('abort', stop)
      await sleep(this.#at - now(), changed.signal)
      signal.removeEventListener('abort', stop)
    }
    this.#rung = undefined
    this.#at = Number.POSITIVE_INFINITY
  }
}
