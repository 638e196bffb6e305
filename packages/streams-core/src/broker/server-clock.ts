import { timeOf } from '../base/entry-id.ts'

/**
 * What Redis' clock shows, judged by the last reply that told it and by the monotonic clock of this process. Not by
 * `now()`: a wall clock that is set ahead here would hide that Redis' clock, on the same host, was set ahead, too.
 */
export class ServerClock {
  readonly #longestTripMs: number
  #aheadMs: number | undefined

  /** @param longestTripMs A reply that took longer tells nothing: nobody knows how old the time is that it holds. */
  constructor(longestTripMs: number) {
    this.#longestTripMs = longestTripMs
  }

  /** To be called with a reply that holds the time of Redis, in milliseconds, and how long the reply took. */
  seen(serverMs: number, tripMs: number): void {
    if (tripMs <= this.#longestTripMs) this.#aheadMs = serverMs - performance.now()
  }

  /**
   * How old an entry was so many milliseconds ago: since Redis appended it. Before the first reply, by the clock of this
   * machine.
   */
  ageBefore(agoMs: number, entryId: string): number {
    const nowMs = this.#aheadMs === undefined ? Date.now() : performance.now() + this.#aheadMs
    return Math.max(0, nowMs - agoMs - timeOf(entryId))
  }

  /** Undefined before the first reply. */
  estimateMs(): number | undefined {
    return this.#aheadMs === undefined ? undefined : Math.round(performance.now() + this.#aheadMs)
  }
}
