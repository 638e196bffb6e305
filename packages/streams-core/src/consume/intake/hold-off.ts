import { now } from '../../base/clock.ts'
import { LONGEST_BACKOFF_MS } from '../../base/loop.ts'

/**
 * Lets a consumer claim due retries only, for a while. After an outage of Redis, or a sleep of the machine, every lease
 * looks as if it were over, although its owner may live and only could not extend it: the owners get the time to do so.
 */
export class HoldOff {
  readonly #leaseMs: number
  #until = 0

  constructor(leaseMs: number) {
    this.#leaseMs = leaseMs
  }

  get isOn(): boolean {
    return now() < this.#until
  }

  /** For one lease, and for as long as other consumers may need to connect again. */
  afterOutage(endedMsAgo = 0): void {
    this.#extend(this.#leaseMs + LONGEST_BACKOFF_MS - endedMsAgo)
  }

  /** For half a lease: owners that can reach Redis extend their leases within a third of one. */
  afterSleep(): void {
    this.#extend(this.#leaseMs / 2)
  }

  #extend(ms: number): void {
    this.#until = Math.max(this.#until, now() + ms)
  }
}
