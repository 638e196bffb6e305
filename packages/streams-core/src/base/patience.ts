import { Condition } from './condition.ts'
import { backoffMs, sleep } from './loop.ts'
import { isPassing } from './redis-errors.ts'

/**
 * Lets writes wait until Redis can take them. While Redis cannot (it is out of memory, say), one of the waiting writes
 * tries again and again, with a growing wait, and the other writes wait for that one: however many writes wait, Redis is
 * asked a few times a second at most.
 */
export class Patience {
  readonly #changed = new Condition()
  #isTrying = false

  /**
   * @throws any error that does not pass by itself, at once; the last passing error once the signal is aborted.
   */
  async persist<T>(attempt: () => Promise<T>, signal: AbortSignal): Promise<T> {
    for (;;) {
      // The first attempt never waits: Redis may refuse one write and take another.
      try {
        return await attempt()
      } catch (error) {
        if (!isPassing(error) || signal.aborted) throw error
      }
      if (!this.#isTrying) return this.#tryUntilTaken(attempt, signal)
      await this.#changed.wait(() => !this.#isTrying, signal)
    }
  }

  async #tryUntilTaken<T>(attempt: () => Promise<T>, signal: AbortSignal): Promise<T> {
    this.#isTrying = true
    try {
      for (let failures = 1; ; failures += 1) {
        await sleep(backoffMs(failures), signal)
        try {
          return await attempt()
        } catch (error) {
          if (!isPassing(error) || signal.aborted) throw error
        }
      }
    } finally {
      this.#isTrying = false
      this.#changed.notify()
    }
  }
}
