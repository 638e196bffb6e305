/** Lets code wait for a fact about shared state; the code that changes the state calls `notify`. */
export class Condition {
  #waiters: { until: () => boolean; resolve: () => void }[] = []

  /** Resolves when `until()` is true, or the signal is aborted. */
  wait(until: () => boolean, signal: AbortSignal): Promise<void> {
    if (until() || signal.aborted) return Promise.resolve()
    return new Promise((done) => {
      const waiter = {
        until,
        resolve: () => {
          signal.removeEventListener('abort', waiter.resolve)
          this.#waiters = this.#waiters.filter((other) => other !== waiter)
          done()
        },
      }
      signal.addEventListener('abort', waiter.resolve)
      this.#waiters.push(waiter)
    })
  }

  notify(): void {
    // Resolving a waiter replaces the list, so that this loop goes on over the old one.
    for (const waiter of this.#waiters) if (waiter.until()) waiter.resolve()
  }
}
