import { Condition } from './condition.ts'
import { backoffMs, sleep } from './loop.ts'
import { isTemporary } from './redis-errors.ts'

/**
 * Lets writes wait until Redis can take them. While Redis cannot (it is out of memory, say), one of the waiting writes
 * is tried again and again, with a growing wait, and the other writes wait for that one: however many writes wait,
 * Redis is asked a few times a second at most, and once more for each new write and for each one that waits no longer.
 */
export class Patience {
  readonly #changed = new Condition()
  #isTrying = false

  /**
   * @param signal When it is aborted, the write is tried once more.
   * @throws any error that is not temporary, at once; the last temporary error once the signal is aborted.
   */
  async persist<T>(write: () => Promise<T>, signal: AbortSignal): Promise<T> {
    for (;;) {
      // The first try never waits: Redis may refuse one write and take another.
      try {
        return await write()
      } catch (error) {
        if (!isTemporary(error) || signal.aborted) throw error
      }
      if (!this.#isTrying) return this.#tryUntilTaken(write, signal)
      await this.#changed.wait(() => !this.#isTrying, signal)
    }
  }

  async #tryUntilTaken<T>(write: () => Promise<T>, signal: AbortSignal): Promise<T> {
    this.#isTrying = true
    try {
      for (let failures = 1; ; failures += 1) {
        await sleep(backoffMs(failures), signal)
        try {
          return await write()
        } catch (error) {
          if (!isTemporary(error) || signal.aborted) throw error
        }
      }
    } finally {
      this.#isTrying = false
      this.#changed.notify()
    }
  }
}
