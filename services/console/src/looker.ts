import { setTimeout as sleep } from 'node:timers/promises'
import {
  type NewestLetters,
  RedisRefusedError,
  type StreamLook,
  type StreamWatcher,
} from '@redis-streams-processor/streams-core'
import { type Figures, Rates } from './figures.ts'
import { FollowUps } from './follow-ups.ts'
import { EVERY_MS, History } from './history.ts'
import { Refused } from './refused.ts'

/** Between two turns, while somebody looks at the page. While nobody does, the history alone is kept. */
const LIVE_MS = 500

/** What everybody is shown, of one look at Redis. */
export interface Seen {
  look: StreamLook
  figures: ReadonlyMap<string, Figures>
  /** The look is part of the history, too. */
  isSample: boolean
}

export interface Viewer {
  /** The group that this viewer looks into. */
  readonly group: string | undefined
  show(seen: Seen): void
  /** There was no look. */
  tell(problem: string): void
}

export interface LookerOptions {
  watcher: StreamWatcher
  logger: { warn(fields: object, message: string): void; info(fields: object, message: string): void }
}

/**
 * Asks Redis for all viewers at once: at most twice a second, however many they are, and rarely when there is none. Each
 * turn is a look, or looks up one event that is followed; while events wait for that, turn about.
 */
export class Looker {
  readonly #options: LookerOptions
  readonly #viewers = new Set<Viewer>()
  readonly #rates = new Rates()
  readonly history = new History()
  readonly followUps = new FollowUps(() => this.#wake.abort())
  #wake = new AbortController()
  #newest: Seen | undefined
  #problem: string | undefined

  constructor(options: LookerOptions) {
    this.#options = options
  }

  /** What was seen last; undefined while Redis does not answer. */
  get newest(): Seen | undefined {
    return this.#problem === undefined ? this.#newest : undefined
  }

  get problem(): string | undefined {
    return this.#problem
  }

  /** @returns A function that removes the viewer. */
  add(viewer: Viewer): () => void {
    this.#viewers.add(viewer)
    this.#wake.abort()
    return () => this.#viewers.delete(viewer)
  }

  /**
   * What is seen next, within a second. Groups are looked into from the look after the one that is under way.
   * @throws {Refused} when Redis does not answer; the reason of the signal when it is aborted before.
   */
  next(signal: AbortSignal, group?: string): Promise<Seen> {
    return new Promise((resolve, reject) => {
      const remove = this.add({
        group,
        show: (seen) => done(() => resolve(seen)),
        tell: (problem) => done(() => reject(new Refused(503, `Redis does not answer: ${problem}`))),
      })
      const leave = () => done(() => reject(signal.reason))
      const done = (settle: () => void) => {
        remove()
        signal.removeEventListener('abort', leave)
        settle()
      }
      signal.addEventListener('abort', leave)
    })
  }

  /**
   * The newest dead letters of a group, of a look that is not older than what the page shows.
   * @throws {Refused} when there is no such group; as `next`.
   */
  async lettersOf(name: string, signal: AbortSignal): Promise<NewestLetters> {
    // While nobody looks, the newest look may be some seconds old.
    let seen = this.viewers > 0 ? this.newest : undefined
    for (;;) {
      seen ??= await this.next(signal, name)
      const found = seen.look.groups.find(({ group }) => group === name)
      if (!found) throw new Refused(404, `there is no group ${name}`)
      if (found.newestLetters) return found.newestLetters
      seen = undefined
    }
  }

  get viewers(): number {
    return this.#viewers.size
  }

  /** Looks until the signal. @throws {RedisRefusedError} when Redis refuses for good. */
  async run(signal: AbortSignal): Promise<void> {
    let wasLook = false
    while (!signal.aborted) {
      const since = performance.now()
      // What takes long to look up goes on beside the looks.
      wasLook = !(wasLook && this.followUps.begin())
      if (wasLook) await this.#lookOnce()
      // Not from the end of the look: a look that takes long must not make more of them.
      await this.#rest(since + LIVE_MS, signal)
      if (!this.#isWaitedFor) await this.#rest(since + EVERY_MS, signal, this.#wake.signal)
      this.#wake = new AbortController()
    }
  }

  get #isWaitedFor(): boolean {
    return this.#viewers.size > 0 || this.followUps.isWaitedFor
  }

  async #lookOnce(): Promise<void> {
    try {
      const look = await this.#options.watcher.look(this.#groupsToLookInto())
      this.#rates.add(look)
      const figures = new Map(look.groups.map((group) => [group.group, this.#rates.figuresOf(group)]))
      this.#newest = { look, figures, isSample: this.history.add(look) }
      if (this.#problem !== undefined) this.#options.logger.info({}, 'Redis answers again')
      this.#problem = undefined
      for (const viewer of this.#viewers) viewer.show(this.#newest)
    } catch (error) {
      if (error instanceof RedisRefusedError) throw error
      const { message } = error as Error
      if (this.#problem === undefined) this.#options.logger.warn({ error: message }, 'Redis does not answer')
      this.#problem = message
      for (const viewer of this.#viewers) viewer.tell(message)
    }
  }

  /** What one look shows of entries is shared out among them: what there is not must take nothing away. */
  #groupsToLookInto(): string[] {
    const wanted = new Set([...this.#viewers].map(({ group }) => group))
    return (this.#newest?.look.groups ?? []).map(({ group }) => group).filter((group) => wanted.has(group))
  }

  async #rest(until: number, ...signals: AbortSignal[]): Promise<void> {
    const restMs = until - performance.now()
    if (restMs > 0) await sleep(restMs, undefined, { signal: AbortSignal.any(signals) }).catch(() => {})
  }
}
