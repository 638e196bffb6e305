import { Refused } from './refused.ts'

export interface TurnsOptions {
  atOnce: number
  mayWait: number
}

/** Lets so many at a time do what may take long. The others wait, in order. */
export class Turns {
  readonly #atOnce: number
  readonly #mayWait: number
  readonly #waiting = new Set<() => void>()
  #working = 0

  constructor({ atOnce, mayWait }: TurnsOptions) {
    this.#atOnce = atOnce
    this.#mayWait = mayWait
  }

  /** @throws {Refused} when too many wait; the reason of the signal when it is aborted before the turn. */
  async take<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    signal.throwIfAborted()
    if (this.#working < this.#atOnce) this.#working += 1
    else await this.#wait(signal)
    try {
      return await work()
    } finally {
      this.#handOn()
    }
  }

  #handOn(): void {
    const [next] = this.#waiting
    if (next) next()
    else this.#working -= 1
  }

  /** Until somebody whose turn is over hands it on. */
  #wait(signal: AbortSignal): Promise<void> {
    if (this.#waiting.size >= this.#mayWait) throw new Refused(503, 'too many others search: try again later')
    return new Promise((resolve, reject) => {
      const begin = () => {
        this.#waiting.delete(begin)
        signal.removeEventListener('abort', leave)
        resolve()
      }
      const leave = () => {
        this.#waiting.delete(begin)
        reject(signal.reason)
      }
      signal.addEventListener('abort', leave, { once: true })
      this.#waiting.add(begin)
    })
  }
}
