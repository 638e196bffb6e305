import { now } from '../../base/clock.ts'
import { isMissingGroup } from '../../base/redis-errors.ts'
import type { LeaseBroker } from '../../broker/leases.ts'
import type { Tell } from '../../tell/report.ts'
import type { Delivery } from '../delivery/delivery.ts'
import type { Holdings } from '../delivery/holdings.ts'

/** Extends the lease of everything held, running or waiting, before a third of it has passed. */
export class LeaseKeeper {
  readonly #options: { group: string; consumer: string; leaseMs: number }
  readonly #broker: LeaseBroker
  readonly #holdings: Holdings
  readonly #tell: Tell

  constructor(
    options: { group: string; consumer: string; leaseMs: number },
    actors: { broker: LeaseBroker; holdings: Holdings; tell: Tell },
  ) {
    this.#options = options
    this.#broker = actors.broker
    this.#holdings = actors.holdings
    this.#tell = actors.tell
  }

  /** Checks every leaseMs / 6, and extends leases older than that: no entry is idle in Redis for more than leaseMs / 3. */
  get everyMs(): number {
    return this.#options.leaseMs / 6
  }

  async extendOnce(): Promise<number> {
    const held = this.#holdings.all().filter(({ isCommitted }) => !isCommitted)
    const isDue = ({ lease }: Delivery) => lease.ageMs >= this.everyMs
    if (!held.some(isDue)) return 0
    // What runs goes along although it is not due: an extension notes all that runs.
    const extended = held.filter((delivery) => isDue(delivery) || delivery.runningSince !== undefined)
    const lost = await this.#extend(extended, true).catch((error: unknown) => {
      if (isMissingGroup(error)) return extended
      throw error
    })
    // An entry that was just acknowledged, or committed, is not pending, but its lease is not lost. So the reply to that
    // command is handled first.
    if (lost.length > 0) await new Promise(setImmediate)
    this.#lose(lost.filter((delivery) => this.#holdings.holds(delivery) && !delivery.isCommitted))
    return extended.length
  }

  /** Asks Redis whether a lease that may be over is still ours, and extends it. Rejects where Redis does not answer. */
  async confirm(delivery: Delivery): Promise<boolean> {
    if (delivery.lease.isLost) return false
    const lost = await this.#extend([delivery], false)
    if (lost.length > 0) delivery.lease.lose()
    return lost.length === 0
  }

  /** Returns the deliveries whose lease was lost. */
  async #extend(deliveries: readonly Delivery[], haveAll: boolean): Promise<Delivery[]> {
    const since = now()
    const lost = new Set(await this.#broker.extend(deliveries, haveAll))
    for (const delivery of deliveries) if (!lost.has(delivery)) delivery.lease.extended(since)
    return [...lost]
  }

  #lose(deliveries: readonly Delivery[]): void {
    if (deliveries.length === 0) return
    for (const delivery of deliveries) this.#holdings.lose(delivery)
    const { group, consumer } = this.#options
    this.#tell({ kind: 'lease-lost', group, consumer, entryIds: deliveries.map(({ entryId }) => entryId) })
  }
}
