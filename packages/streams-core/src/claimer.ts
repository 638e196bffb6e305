import type { GroupBroker } from './broker/group.ts'
import { now } from './clock.ts'
import type { Dispatcher } from './dispatcher.ts'
import type { Holdings } from './holdings.ts'
import type { Reader } from './reader.ts'
import type { Tell } from './report.ts'
import { RETRY_HORIZON_MS } from './retry.ts'

/** How often a consumer looks for entries to claim. A group is scanned no more often than once in this time. */
export const CLAIM_EVERY_MS = 250

export interface ClaimerOptions {
  group: string
  consumer: string
  leaseMs: number
  maxDeliveries: number
}

/** Takes over what nobody is working on: expired leases, due retries, deliveries that never arrived. */
export class Claimer {
  readonly #options: ClaimerOptions
  readonly #broker: GroupBroker
  readonly #holdings: Holdings
  readonly #dispatcher: Dispatcher
  readonly #reader: Reader
  readonly #tell: Tell
  #holdOffUntil = 0
  #lastRound = now()
  #lastRecovery = now()

  constructor(
    options: ClaimerOptions,
    actors: { broker: GroupBroker; holdings: Holdings; dispatcher: Dispatcher; reader: Reader; tell: Tell },
  ) {
    this.#options = options
    this.#broker = actors.broker
    this.#holdings = actors.holdings
    this.#dispatcher = actors.dispatcher
    this.#reader = actors.reader
    this.#tell = actors.tell
  }

  /**
   * After an outage every lease looks expired, although its owner lives and only could not extend it: leave them the
   * time to do so. Retries that are due go on.
   */
  holdOff(ms: number): void {
    this.#holdOffUntil = Math.max(this.#holdOffUntil, now() + ms)
  }

  async claimOnce(signal: AbortSignal): Promise<number> {
    const { leaseMs } = this.#options
    // The whole machine may have been asleep, and the others with it.
    if (now() - this.#lastRound > Math.max(leaseMs / 2, 4 * CLAIM_EVERY_MS)) this.holdOff(leaseMs / 2)
    this.#lastRound = now()

    await this.#recover()
    let claimed = 0
    let more = true
    while (more && !signal.aborted) {
      const room = this.#dispatcher.roomForClaimed
      const found = room > 0 ? await this.#claim(room, signal) : 0
      claimed += found
      more = found > 0 && found === room
    }
    this.#lastRound = now()
    return claimed
  }

  async #claim(limit: number, signal: AbortSignal): Promise<number> {
    const { leaseMs, maxDeliveries } = this.#options
    const expiredMs = now() < this.#holdOffUntil ? RETRY_HORIZON_MS : leaseMs
    const claimed = await this.#broker.claim({ limit, maxDeliveries, expiredMs, lockMs: CLAIM_EVERY_MS })
    if (!claimed) return 0
    this.#accept(claimed.deliveries, 'claimed')
    if (claimed.suspects > 0 && !signal.aborted) await this.#runSuspects(claimed.suspects, signal)
    return claimed.deliveries.length
  }

  // Whatever we hold is extended before a third of its lease has passed: at half of it, nobody here knows of it.
  async #recover(): Promise<void> {
    const { leaseMs } = this.#options
    if (now() - this.#lastRecovery < Math.min(1_000, leaseMs / 4)) return
    this.#lastRecovery = now()
    const idle = await this.#broker.idleOfOurs(leaseMs / 2)
    const unseen = idle.filter(({ entryId }) => !this.#holdings.has(entryId))
    if (unseen.length > 0) this.#accept(await this.#broker.retake(unseen), 'recovered')
  }

  #accept(deliveries: Parameters<Dispatcher['accept']>[0], kind: 'claimed' | 'recovered'): void {
    if (deliveries.length === 0) return
    const { group, consumer } = this.#options
    this.#tell({ kind, group, consumer, entryIds: deliveries.map(({ entryId }) => entryId) })
    this.#dispatcher.accept(deliveries, 'claimed')
  }

  /** Runs crash suspects one by one with nothing else in flight, so that a poison pill can only take itself along. */
  async #runSuspects(suspects: number, signal: AbortSignal): Promise<void> {
    const { group, consumer, maxDeliveries } = this.#options
    await this.#reader.pause()
    try {
      await this.#dispatcher.whenIdle(signal)
      this.#tell({ kind: 'quarantined', group, consumer, suspects })
      while (!signal.aborted) {
        const suspect = await this.#broker.claimSuspect(maxDeliveries)
        if (!suspect) return
        await this.#dispatcher.runAlone(suspect, signal)
      }
    } finally {
      this.#reader.resume()
    }
  }
}
