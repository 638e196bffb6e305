interface Waiter {
  until: () => boolean
  resolve: () => void
}

/** Lets code wait for a fact about shared state; the code that changes the state calls `notify`. */
export class Condition {
  readonly #waiters = new Set<Waiter>()

  /** Resolves when `until()` is true, or the signal is aborted. Each `notify` calls `until`, which must not throw. */
  wait(until: () => boolean, signal: AbortSignal): Promise<void> {
    if (until() || signal.aborted) return Promise.resolve()
    return new Promise((done) => {
      const resolve = () => {
        signal.removeEventListener('abort', resolve)
        this.#waiters.delete(waiter)
        done()
      }
      const waiter = { until, resolve }
      signal.addEventListener('abort', resolve)
      this.#waiters.add(waiter)
    })
  }

  /** Resolves each wait whose fact is true now. The code that waits goes on after this call has returned. */
  notify(): void {
    // Resolving a waiter deletes it from the set, and an `until` could begin another wait. A loop over a set allows both:
    // it skips no waiter, and also reaches those that are added while it runs.
    for (const waiter of this.#waiters) if (waiter.until()) waiter.resolve()
  }
}
