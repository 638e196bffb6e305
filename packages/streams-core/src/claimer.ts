import type { GroupBroker } from './broker/group.ts'
import { now } from './clock.ts'
import type { Delivery } from './delivery.ts'
import type { Dispatcher } from './dispatcher.ts'
import type { Holdings } from './holdings.ts'
import { LONGEST_BACKOFF_MS } from './loop.ts'
import type { Reader } from './reader.ts'
import type { Tell } from './report.ts'
import { RETRY_HORIZON_MS } from './retry.ts'

/** How often a consumer looks for entries to claim. A group is scanned no more often than once in this time. */
export const CLAIM_EVERY_MS = 250

/** Who has no free handler claims so much later: longer than two rounds of the others. */
const LATE_MS = 2 * CLAIM_EVERY_MS

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
   * time to connect again and do so. Retries that are due go on.
   */
  holdOffAfterOutage(endedMsAgo = 0): void {
    this.#holdOff(this.#options.leaseMs + LONGEST_BACKOFF_MS - endedMsAgo)
  }

  async claimOnce(signal: AbortSignal): Promise<number> {
    const { leaseMs } = this.#options
    // The whole machine may have been asleep, and the others with it.
    if (now() - this.#lastRound > Math.max(leaseMs / 2, 4 * CLAIM_EVERY_MS)) this.#holdOff(leaseMs / 2)
    this.#lastRound = now()

    await this.#recover()
    let claimed = 0
    let more = true
    while (more && !signal.aborted) {
      // Who could not start it at once leaves it to those who can, for a while.
      const { free, roomForClaimed } = this.#dispatcher
      const [room, lateMs] = free > 0 ? [free, 0] : [roomForClaimed, LATE_MS]
      const found = room > 0 ? await this.#claim(room, lateMs, signal) : 0
      claimed += found
      more = found > 0 && found === room
    }
    this.#lastRound = now()
    return claimed
  }

  async #claim(limit: number, lateMs: number, signal: AbortSignal): Promise<number> {
    const { leaseMs, maxDeliveries } = this.#options
    const expiredMs = this.#isHoldingOff ? RETRY_HORIZON_MS : leaseMs
    const claimed = await this.#broker.claim({ limit, maxDeliveries, expiredMs, lateMs, lockMs: CLAIM_EVERY_MS })
    if (!claimed) return 0
    this.#accept(claimed.deliveries, 'claimed')
    if (claimed.suspects > 0 && !signal.aborted) await this.#quarantine(claimed.suspects, signal)
    return claimed.deliveries.length
  }

  get #isHoldingOff(): boolean {
    return now() < this.#holdOffUntil
  }

  #holdOff(ms: number): void {
    this.#holdOffUntil = Math.max(this.#holdOffUntil, now() + ms)
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

  /**
   * Runs crash suspects one by one with nothing else in flight, so that a poison pill can only take itself along. After
   * a lease everything else has its turn, before the next ones are looked for.
   */
  async #quarantine(suspects: number, signal: AbortSignal): Promise<void> {
    const { group, consumer, leaseMs } = this.#options
    let suspect = await this.#takeSuspect()
    if (!suspect) return
    await this.#reader.pause()
    try {
      await this.#dispatcher.whenIdle(signal, suspect)
      this.#tell({ kind: 'quarantined', group, consumer, suspects })
      const startedAt = now()
      while (suspect) {
        await this.#runAlone(suspect, signal)
        suspect = signal.aborted || now() - startedAt > leaseMs ? undefined : await this.#takeSuspect()
      }
    } finally {
      // Where an error came between, it is nobody's again once its lease is over.
      if (suspect) this.#holdings.remove(suspect)
      this.#reader.resume()
    }
  }

  /** A suspect is held, and extended, from here on; others see that we are at it. */
  async #takeSuspect(): Promise<Delivery | undefined> {
    if (this.#isHoldingOff) return undefined
    const { maxDeliveries } = this.#options
    const suspect = await this.#broker.claimSuspect({ maxDeliveries, holdsNothing: this.#holdings.size === 0 })
    if (suspect) this.#holdings.add(suspect)
    return suspect
  }

  async #runAlone(suspect: Delivery, signal: AbortSignal): Promise<void> {
    // Who leaves hands it back as it is: it was never alone.
    if (signal.aborted) return this.#dispatcher.handBack(suspect)
    const alone = await this.#broker.isolate(suspect)
    if (alone) await this.#dispatcher.runAlone(alone, signal)
    else this.#holdings.remove(suspect)
  }
}
