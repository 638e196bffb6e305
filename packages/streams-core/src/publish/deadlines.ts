import { now } from '../base/clock.ts'
import type { OpenPublish } from './open-publish.ts'

/** Times publishes out. They are watched in the order of their deadlines, so one timer, for the oldest, serves all. */
export class Deadlines {
  readonly #waiting: () => Iterable<OpenPublish>
  readonly #timeOut: (late: OpenPublish[]) => void
  #timer: NodeJS.Timeout | undefined

  /**
   * @param waiting Every publish that may have no reply of Redis yet, the oldest first.
   * @param timeOut Called with the publishes whose deadline has passed; gives each its answer.
   */
  constructor(waiting: () => Iterable<OpenPublish>, timeOut: (late: OpenPublish[]) => void) {
    this.#waiting = waiting
    this.#timeOut = timeOut
  }

  /** To be called when a publish was added. */
  watch(): void {
    if (this.#timer) return
    const oldest = this.#oldest()
    if (!oldest) return
    // After the event loop was blocked, the reply may have come, and not be read yet. It is read first.
    const expire = () => setImmediate(() => this.#expire())
    this.#timer = setTimeout(expire, Math.max(1, oldest.deadline - now()))
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #expire(): void {
    this.#timer = undefined
    const late = [...this.#waiting()].filter(({ isOpen, deadline }) => isOpen && deadline <= now())
    this.#timeOut(late)
    this.watch()
  }

  #oldest(): OpenPublish | undefined {
    for (const publish of this.#waiting()) if (publish.isOpen) return publish
    return undefined
  }
}
