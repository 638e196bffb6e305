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
/**
 * This consumer asks for spans of this length at most, so it can use a start as long as Redis takes less than half of
 * that to answer. Longer ones would slow the whole group down: a start counts from the end of its span.
 */
const MOST_SLACK_MS = 4_000
/** After so many questions in a row whose grants came too late, it asks for one grant at a time, and seldom. */
const MANY_LATE = 3

interface Span {
  /** On the clock of `now()`. */
  from: number
  until: number
  slackMs: number
  askedAt: number
}

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
  /** Of the last question whose grants came too late; and how many such questions came one after the other. */
  #lateAskedAt = 0
  #lateQuestions = 0
  /** Counts the limits: an answer to a question from before a change is not used. */
  #era = 0

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

  /**
   * The controls have changed: some no longer wait, and Redis may give other answers.
   * @param isOtherLimit The grants are of another limit, and Redis has forgotten them: all who wait ask again.
   */
  recheck(isOtherLimit = false): void {
    if (isOtherLimit) this.#askAnew()
    const isOver = (waiter: Waiter) => this.#isStopped || !waiter.isWanted()
    const over = [...this.#queue, ...this.#granted].filter(isOver)
    this.#queue = this.#queue.filter((waiter) => !isOver(waiter))
    for (const waiter of over) {
      clearTimeout(waiter.timer)
      this.#granted.delete(waiter)
      waiter.resolve(false)
    }
    this.#nap.abort()
    void this.#ask()
  }

  #askAnew(): void {
    this.#era += 1
    for (const { timer } of this.#granted) clearTimeout(timer)
    this.#queue.unshift(...this.#granted)
    this.#granted.clear()
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
      if (this.#isSlow) await sleep(LONGEST_WAIT_MS, this.#nap.signal)
      if (this.#queue.length === 0) break
      const waitMs = await this.#askOnce().catch(() => AFTER_ERROR_MS)
      if (this.#queue.length === 0) break
      await sleep(Math.min(LONGEST_WAIT_MS, Math.max(SHORTEST_WAIT_MS, waitMs)), this.#nap.signal)
    }
    this.#isAsking = false
  }

  /** Grants come too late for this consumer: each is one that nobody uses. */
  get #isSlow(): boolean {
    return this.#lateQuestions >= MANY_LATE
  }

  /** Returns when to ask again. */
  async #askOnce(): Promise<number> {
    const size = this.#queue[0]?.size ?? 1
    const others = this.#queue.findIndex((waiter) => waiter.size !== size)
    const want = this.#isSlow ? 1 : Math.min(MOST_GRANTS, others === -1 ? this.#queue.length : others)
    const era = this.#era
    const askedAt = now()
    const grants = await this.#broker.takeStarts(size, want, this.#slackMs)
    const answeredAt = now()
    if (era !== this.#era) return 0
    if (!grants) {
      for (const waiter of this.#queue.splice(0)) waiter.resolve(waiter.isWanted())
      return 0
    }
    // Redis granted between the two times. So no start is too early by the later one, or too late by the earlier one. Half
    // of the span is for the time between the look at the clock and the start.
    const { slackMs } = grants
    this.#slackMs = Math.min(MOST_SLACK_MS, Math.max(this.#slackMs, 4 * (answeredAt - askedAt)))
    for (const beginsInMs of grants.beginsInMs) {
      if (this.#queue[0]?.size !== size) break
      const waiter = this.#queue.shift() as Waiter
      this.#granted.add(waiter)
      const span = { from: answeredAt + beginsInMs, until: askedAt + beginsInMs + slackMs / 2, slackMs, askedAt }
      this.#startWithin(waiter, span)
    }
    return grants.waitMs
  }

  /** Each with a timer of its own, because handlers that take the event loop would make the others late. */
  #startWithin(waiter: Waiter, span: Span): void {
    const { from, until } = span
    const start = () => {
      const at = now()
      if (at < from) return this.#startWithin(waiter, span)
      this.#granted.delete(waiter)
      if (at > until) {
        this.#queue.unshift(waiter)
        this.#noteLate(span)
        return void this.#ask()
      }
      this.#slackMs *= 0.95
      this.#lateQuestions = 0
      waiter.resolve(waiter.isWanted())
      this.#changed.notify()
    }
    waiter.timer = setTimeout(start, Math.max(0, from - now()))
  }
  #noteLate({ slackMs, askedAt }: Span): void {
    this.#slackMs = Math.min(MOST_SLACK_MS, Math.max(this.#slackMs, slackMs * 2))
    if (askedAt > this.#lateAskedAt) this.#lateQuestions += 1
    this.#lateAskedAt = Math.max(this.#lateAskedAt, askedAt)
  }
}
