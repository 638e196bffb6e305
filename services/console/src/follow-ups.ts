import type { FoundEvent } from '@redis-streams-processor/streams-core'
import { Refused } from './refused.ts'

/**
 * For so long what was looked up is the answer to everybody who follows the event. A page rests longer than that before it
 * asks again, so that what it is given then is newer.
 */
const LASTS_MS = 2_500
/** Events that may wait to be looked up. */
const MAX_WAITING = 100

type Find = (signal: AbortSignal) => Promise<FoundEvent>

/** What pages show of events, looked up again: each event once for everybody who follows it, when a turn is given to it. */
export class FollowUps {
  readonly #wake: () => void
  /** By the id that was searched for: those that wait, the one under way, and those whose answer still lasts. */
  readonly #byId = new Map<string, FollowUp>()
  /** The one that has waited longest is the first one. */
  readonly #waiting = new Set<FollowUp>()
  #isBusy = false
  #restsUntil = 0

  /** @param wake Called when there is something to look up. */
  constructor(wake: () => void) {
    this.#wake = wake
  }

  get isWaitedFor(): boolean {
    return this.#waiting.size > 0
  }

  /**
   * What is known of an event, no older than some seconds.
   * @throws {Refused} when too many events wait; the reason of the signal when it is aborted before there is an answer.
   */
  async of(id: string, signal: AbortSignal, find: Find): Promise<FoundEvent> {
    signal.throwIfAborted()
    const followUp = this.#byId.get(id) ?? this.#add(id, find)
    const leaving = followUp.join(signal)
    try {
      return await Promise.race([followUp.found, leaving])
    } finally {
      if (followUp.isGivenUp) this.#forget(followUp)
    }
  }

  /** Begins to look up the event that has waited longest. False: there is none, or it is too early. */
  begin(): boolean {
    const [next] = this.#waiting
    if (!next || this.#isBusy || performance.now() < this.#restsUntil) return false
    this.#waiting.delete(next)
    void this.#run(next)
    return true
  }

  #add(id: string, find: Find): FollowUp {
    if (this.#waiting.size >= MAX_WAITING) throw new Refused(503, 'too many events are followed: try again later')
    const followUp = new FollowUp(id, find)
    this.#byId.set(id, followUp)
    this.#waiting.add(followUp)
    this.#wake()
    return followUp
  }

  async #run(followUp: FollowUp): Promise<void> {
    const since = performance.now()
    this.#isBusy = true
    const isFound = await followUp.run()
    this.#isBusy = false
    const tookMs = performance.now() - since
    // A search of a large stream takes long: all of them together take a tenth of the time at most.
    this.#restsUntil = since + 10 * tookMs
    setTimeout(() => this.#forget(followUp), isFound ? Math.max(0, LASTS_MS - tookMs) : 0).unref()
  }

  #forget(followUp: FollowUp): void {
    this.#waiting.delete(followUp)
    if (this.#byId.get(followUp.id) === followUp) this.#byId.delete(followUp.id)
  }
}

/** One event that is looked up once, for everybody who follows it. */
class FollowUp {
  readonly id: string
  readonly found: Promise<FoundEvent>
  readonly #giveUp = new AbortController()
  #followers = 0
  #isOver = false
  #begin = () => {}

  constructor(id: string, find: Find) {
    this.id = id
    const turn = new Promise<void>((resolve) => {
      this.#begin = resolve
    })
    this.found = turn.then(() => find(this.#giveUp.signal))
  }

  /** Everybody has left before there was an answer. */
  get isGivenUp(): boolean {
    return this.#giveUp.signal.aborted
  }

  /** Rejects when the signal is aborted. */
  join(signal: AbortSignal): Promise<never> {
    this.#followers += 1
    return new Promise((_, reject) => {
      const leave = () => {
        this.#followers -= 1
        if (this.#followers === 0 && !this.#isOver) this.#giveUp.abort(signal.reason)
        reject(signal.reason)
      }
      signal.addEventListener('abort', leave, { once: true })
    })
  }

  /** @returns Whether there is an answer; otherwise those who wait are told why. */
  async run(): Promise<boolean> {
    this.#begin()
    const isFound = await this.found.then(
      () => true,
      () => false,
    )
    this.#isOver = true
    return isFound
  }
}
