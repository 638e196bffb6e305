/**
 * What Redis' clock shows, judged by the last reply that told it and by the monotonic clock of this process. Not by
 * `now()`: a wall clock that is set ahead here would hide that Redis' clock, on the same host, was set ahead, too.
 */
export class ServerClock {
  #aheadMs: number | undefined

  /** To be called with a reply that holds the time of Redis, in milliseconds. */
  seen(serverMs: number): void {
    this.#aheadMs = serverMs - performance.now()
  }

  /** Undefined before the first reply. */
  estimateMs(): number | undefined {
    return this.#aheadMs === undefined ? undefined : Math.round(performance.now() + this.#aheadMs)
  }
}
