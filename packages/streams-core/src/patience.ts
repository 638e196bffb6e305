import { Condition } from './condition.ts'
import { isPassing } from './errors.ts'
import { backoffMs, sleep } from './loop.ts'

/**
 * Writes that wait until Redis can take them. While it cannot (out of memory, say), one of them knocks, with a growing
 * wait, and the others wait for that one: however many there are, Redis is asked a few times a second at most.
 */
export class Patience {
  readonly #changed = new Condition()
  #isKnocking = false

  /**
   * @throws what is no passing trouble, at once; the last passing trouble once the signal is aborted.
   */
  async persist<T>(attempt: () => Promise<T>, signal: AbortSignal): Promise<T> {
    for (;;) {
      // The first attempt waits for nobody: what one write is refused for, another may be free of.
      try {
        return await attempt()
      } catch (error) {
        if (!isPassing(error) || signal.aborted) throw error
      }
      if (!this.#isKnocking) return this.#knock(attempt, signal)
      await this.#changed.wait(() => !this.#isKnocking, signal)
    }
  }

  async #knock<T>(attempt: () => Promise<T>, signal: AbortSignal): Promise<T> {
    this.#isKnocking = true
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
      this.#isKnocking = false
      this.#changed.notify()
    }
  }
}
