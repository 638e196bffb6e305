import { now } from '../../base/clock.ts'
import type { Condition } from '../../base/condition.ts'
import { sleep } from '../../base/loop.ts'
import type { ControlsBroker } from '../../broker/controls.ts'

/** More grants than this in one reply would hold the event loop up. */
const MOST_GRANTS = 100
/** The shortest and the longest time between two questions. */
const SHORTEST_WAIT_MS = 20
const LONGEST_WAIT_MS = 5_000
/** After a question that Redis did not answer. */
const AFTER_ERROR_MS = 500
/** This consumer asks for spans of this length at most. */
const MOST_SLACK_MS = 500

interface Waiter {
  readonly size: number
  readonly isWanted: () => boolean
  readonly resolve: (mayStart: boolean) => void
  timer?: NodeJS.Timeout
}

/**
 * Lets handlers of a group with a limit start: asks Redis for as many starts as there are handlers that wait, and lets
 * each start within the span of time that Redis has granted. One that comes too late is not used, and asked for again.
 */
export class Starts {
  readonly #broker: ControlsBroker
  readonly #changed: Condition
  #queue: Waiter[] = []
  readonly #granted = new Set<Waiter>()
  #isAsking = false
  #isStopped = false
  #nap = new AbortController()
  /** How long the spans should be. Redis has a minimum of its own. */
  #slackMs = 0

  /** @param actors.changed Notified when there are fewer deliveries that wait. */
  constructor(actors: { broker: ControlsBroker; changed: Condition }) {
    this.#broker = actors.broker
    this.#changed = actors.changed
  }

  /** Deliveries that have a slot and wait for their start. */
  get waiting(): number {
    let waiting = 0
    for (const { size } of this.#queue) waiting += size
    for (const { size } of this.#granted) waiting += size
    return waiting
  }

  /**
   * Resolves to true at the moment when a handler may start, which counts as `size` starts.
   * @param isWanted Asked after each change of the controls: once it is false, `take` resolves to false.
   */
  take(size: number, isWanted: () => boolean): Promise<boolean> {
    if (this.#isStopped) return Promise.resolve(false)
    return new Promise((resolve) => {
      this.#queue.push({ size, isWanted, resolve })
      void this.#ask()
    })
  }

  /** The controls have changed: some no longer wait, and Redis may give other answers. */
  recheck(): void {
    const isOver = (waiter: Waiter) => this.#isStopped || !waiter.isWanted()
    const over = [...this.#queue, ...this.#granted].filter(isOver)
    this.#queue = this.#queue.filter((waiter) => !isOver(waiter))
    for (const waiter of over) {
      clearTimeout(waiter.timer)
      this.#granted.delete(waiter)
      waiter.resolve(false)
    }
    this.#nap.abort()
  }

  /** The consumer drains: nobody waits any more. */
  stop(): void {
    this.#isStopped = true
    this.recheck()
  }

  async #ask(): Promise<void> {
    if (this.#isAsking) return
    this.#isAsking = true
    while (this.#queue.length > 0) {
      this.#nap = new AbortController()
      const waitMs = await this.#askOnce().catch(() => AFTER_ERROR_MS)
      if (this.#queue.length === 0) break
      await sleep(Math.min(LONGEST_WAIT_MS, Math.max(SHORTEST_WAIT_MS, waitMs)), this.#nap.signal)
    }
    this.#isAsking = false
  }

  /** Returns when to ask again. */
  async #askOnce(): Promise<number> {
    const size = this.#queue[0]?.size ?? 1
    const others = this.#queue.findIndex((waiter) => waiter.size !== size)
    const want = Math.min(MOST_GRANTS, others === -1 ? this.#queue.length : others)
    const askedAt = now()
    const grants = await this.#broker.takeStarts(size, want, this.#slackMs)
    const answeredAt = now()
    if (!grants) {
      for (const waiter of this.#queue.splice(0)) waiter.resolve(waiter.isWanted())
      return 0
    }
    // Redis granted between the two times. So no start is too early by the later one, or too late by the earlier one. Half
    // of the span is for the time between the look at the clock and the start.
    const { slackMs } = grants
    for (const beginsInMs of grants.beginsInMs) {
      if (this.#queue[0]?.size !== size) break
      const waiter = this.#queue.shift() as Waiter
      this.#granted.add(waiter)
      const span = { from: answeredAt + beginsInMs, until: askedAt + beginsInMs + slackMs / 2, slackMs }
      this.#startWithin(waiter, span)
    }
    return grants.waitMs
  }

  /** Each with a timer of its own, because handlers that take the event loop would make the others late. */
  #startWithin(waiter: Waiter, span: { from: number; until: number; slackMs: number }): void {
    const { from, until, slackMs } = span
    const start = () => {
      const at = now()
      if (at < from) return this.#startWithin(waiter, span)
      this.#granted.delete(waiter)
      const isLate = at > until
      this.#slackMs = isLate ? Math.min(MOST_SLACK_MS, slackMs * 2) : this.#slackMs * 0.95
      if (isLate) {
        this.#queue.unshift(waiter)
        return void this.#ask()
      }
      waiter.resolve(waiter.isWanted())
      this.#changed.notify()
    }
    waiter.timer = setTimeout(start, Math.max(0, from - now()))
  }
}
