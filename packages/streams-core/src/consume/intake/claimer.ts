import type { Alarm } from '../../base/alarm.ts'
import { now } from '../../base/clock.ts'
import { within } from '../../base/loop.ts'
import type { Claimed } from '../../broker/claimed.ts'
import type { IntakeBroker } from '../../broker/intake.ts'
import type { LeaseBroker } from '../../broker/leases.ts'
import type { Tell } from '../../tell/report.ts'
import type { GroupControls } from '../controls/group-controls.ts'
import type { Pipeline } from '../pipeline/pipeline.ts'
import type { Room } from '../slots/room.ts'
import type { HoldOff } from './hold-off.ts'
import type { LostReplies } from './lost-replies.ts'
import type { ClaimingOptions, Quarantine } from './quarantine.ts'

/** While there is nothing to claim, the group is scanned at most this often. */
const SCAN_EVERY_MS = 250

/** The shortest and the longest rest between two rounds. A claim also brings the controls, before they are looked up. */
const SHORTEST_REST_MS = 50
const LONGEST_REST_MS = 650

/** How much later a consumer without a free handler slot claims an entry: the others have about two rounds until then. */
const LATE_MS = 500

export interface ClaimerActors {
  broker: IntakeBroker
  leases: LeaseBroker
  room: Room
  pipeline: Pipeline
  controls: GroupControls
  lostReplies: LostReplies
  quarantine: Quarantine
  holdOff: HoldOff
  /** Ends the claimer's rest. */
  alarm: Alarm
  tell: Tell
}

/** Takes over what no consumer is working on: entries whose lease is over, retries that are due, lost replies. */
export class Claimer {
  readonly #options: ClaimingOptions
  readonly #actors: ClaimerActors
  #quarantinedAt = now()

  constructor(options: ClaimingOptions, actors: ClaimerActors) {
    this.#options = options
    this.#actors = actors
  }

  /** Claims until there is no more to claim now, and rests until there may be. */
  async claimOnce(signal: AbortSignal): Promise<void> {
    const { room, alarm } = this.#actors
    const { toStart, toClaim } = room
    let hasMore = await (toStart > 0 ? this.#claim(toStart, 0, signal) : this.#claim(toClaim, LATE_MS, signal))
    while (hasMore && !signal.aborted) {
      await this.#unlessAsleep(1_000, (ms) => within(ms, signal, (limit) => room.whenToClaim(limit)))
      hasMore = (await this.#claim(room.toClaim, 0, signal)) ?? hasMore
    }
    // Different each time, so that consumers that rested together once do not wake together every time.
    const jitter = 0.8 + Math.random() * 0.2
    const longestMs = Math.min(LONGEST_REST_MS, this.#options.leaseMs / 4) * jitter
    await this.#unlessAsleep(longestMs, () => alarm.rest(SHORTEST_REST_MS * jitter, longestMs, signal))
  }

  /**
   * Waits. A wait that takes far too long means that the whole machine was asleep. Other consumers on it were, too, and
   * could not extend their leases.
   */
  async #unlessAsleep(atMostMs: number, wait: (ms: number) => Promise<void>): Promise<void> {
    const since = now()
    await wait(atMostMs)
    const overtimeMs = now() - since - atMostMs
    if (overtimeMs > Math.max(this.#options.leaseMs / 2, 500)) this.#actors.holdOff.afterSleep()
  }

  /** Returns whether there is more to claim now; undefined if that is not known, because there is no room. */
  async #claim(limit: number, delayMs: number, signal: AbortSignal): Promise<boolean | undefined> {
    const { group, consumer, leaseMs, maxDeliveries } = this.#options
    const { broker, pipeline, controls, quarantine, lostReplies, holdOff, alarm, tell } = this.#actors
    if (limit === 0) {
      // Without a scan, nobody says whether a reply was lost.
      await lostReplies.retake()
      return undefined
    }
    const holdsOff = holdOff.isOn
    const claimed = await broker.claim({ limit, maxDeliveries, holdsOff, delayMs, lockMs: SCAN_EVERY_MS })
    const { entries, suspects, hasMore, mayHaveLostReplies } = claimed
    controls.seen(claimed.controls)
    if (entries.length > 0) {
      for (const reason of new Set(entries.map((entry) => entry.reason))) {
        const entryIds = entries.filter((entry) => entry.reason === reason).map(({ entryId }) => entryId)
        tell({ kind: 'claimed', group, consumer, reason, entryIds })
      }
      await pipeline.acceptClaimed(entries)
    }
    await this.#mendClock(claimed)
    if (mayHaveLostReplies) await lostReplies.retake()
    // Suspects and everything else take turns, of a lease each.
    const isTheirTurn = !hasMore || now() - this.#quarantinedAt > leaseMs
    if (suspects > 0 && isTheirTurn && !signal.aborted) {
      await quarantine.run(suspects, signal)
      this.#quarantinedAt = now()
    }
    alarm.wakeIn(suspects > 0 ? Math.min(SCAN_EVERY_MS, claimed.waitMs + 1) : claimed.waitMs + 1)
    return hasMore
  }

  /** After time has jumped, as Redis sees it, leases look as if they were over, or as if they began in the future. */
  async #mendClock({ lateMs, setBackMs }: Claimed): Promise<void> {
    const { group } = this.#options
    const { leases, holdOff, tell } = this.#actors
    if (lateMs > 0) {
      holdOff.afterSleep()
      tell({ kind: 'time-jumped', group, byMs: lateMs })
    }
    if (setBackMs > 0) {
      await leases.resetFutureLeases()
      tell({ kind: 'time-jumped', group, byMs: -setBackMs })
    }
  }
}
