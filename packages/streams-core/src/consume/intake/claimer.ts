import { now } from '../../base/clock.ts'
import type { IntakeBroker } from '../../broker/intake.ts'
import type { Tell } from '../../tell/report.ts'
import type { HandlerSlots } from '../pipeline/handler-slots.ts'
import type { Pipeline } from '../pipeline/pipeline.ts'
import type { HoldOff } from './hold-off.ts'
import type { LostReplies } from './lost-replies.ts'
import type { ClaimingOptions, Quarantine } from './quarantine.ts'

/** How often a consumer looks for entries to claim. */
export const CLAIM_EVERY_MS = 250

/** How much later a consumer without a free handler slot claims an entry: others get about two rounds first. */
const LATE_MS = 2 * CLAIM_EVERY_MS

/** 30,000 years: no entry is idle for this long. */
const NEVER_MS = 1e15

export interface ClaimerActors {
  broker: IntakeBroker
  slots: HandlerSlots
  pipeline: Pipeline
  lostReplies: LostReplies
  quarantine: Quarantine
  holdOff: HoldOff
  tell: Tell
}

/** Takes over what no consumer is working on: entries whose lease is over, retries that are due, lost replies. */
export class Claimer {
  readonly #options: ClaimingOptions
  readonly #actors: ClaimerActors
  #lastRound = now()

  constructor(options: ClaimingOptions, actors: ClaimerActors) {
    this.#options = options
    this.#actors = actors
  }

  async claimOnce(signal: AbortSignal): Promise<number> {
    this.#noticeSleep()
    await this.#actors.lostReplies.retakeIfDue()
    let claimed = 0
    let more = true
    while (more && !signal.aborted) {
      const { free, roomForClaimed } = this.#actors.slots
      const [room, lateMs] = free > 0 ? [free, 0] : [roomForClaimed, LATE_MS]
      const found = room > 0 ? await this.#claim(room, lateMs, signal) : 0
      claimed += found
      more = found > 0 && found === room
    }
    this.#lastRound = now()
    return claimed
  }

  /** A round that comes far too late means that the whole machine was asleep, and the other consumers with it. */
  #noticeSleep(): void {
    const tooLateMs = Math.max(this.#options.leaseMs / 2, 4 * CLAIM_EVERY_MS)
    if (now() - this.#lastRound > tooLateMs) this.#actors.holdOff.afterSleep()
    this.#lastRound = now()
  }

  async #claim(limit: number, lateMs: number, signal: AbortSignal): Promise<number> {
    const { group, consumer, leaseMs, maxDeliveries } = this.#options
    const { broker, pipeline, quarantine, holdOff, tell } = this.#actors
    const expiredMs = holdOff.isOn ? NEVER_MS : leaseMs
    const claimed = await broker.claim({ limit, maxDeliveries, expiredMs, lateMs, lockMs: CLAIM_EVERY_MS })
    if (!claimed) return 0
    const { entries, suspects } = claimed
    if (entries.length > 0) {
      tell({ kind: 'claimed', group, consumer, entryIds: entries.map(({ entryId }) => entryId) })
      pipeline.accept(entries, 'claimed')
    }
    if (suspects > 0 && !signal.aborted) await quarantine.run(suspects, signal)
    return entries.length
  }
}
