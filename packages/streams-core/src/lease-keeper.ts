import type { GroupBroker } from './broker/group.ts'
import { isMissingGroup } from './errors.ts'
import type { Holdings } from './holdings.ts'
import type { Tell } from './report.ts'

/** Extends the lease of everything held, running or waiting, before a third of it has passed. */
export class LeaseKeeper {
  readonly #options: { group: string; consumer: string; leaseMs: number }
  readonly #broker: GroupBroker
  readonly #holdings: Holdings
  readonly #tell: Tell

  constructor(
    options: { group: string; consumer: string; leaseMs: number },
    actors: { broker: GroupBroker; holdings: Holdings; tell: Tell },
  ) {
    this.#options = options
    this.#broker = actors.broker
    this.#holdings = actors.holdings
    this.#tell = actors.tell
  }

  /** Looking twice in a third of a lease, at what is older than a sixth, leaves nothing unextended beyond the third. */
  get everyMs(): number {
    return this.#options.leaseMs / 6
  }

  async extendOnce(): Promise<number> {
    const due = this.#holdings.all().filter(({ lease }) => !lease.isOver && lease.ageMs >= this.everyMs)
    if (due.length === 0) return 0
    const lost = await this.#broker.extend(due).catch((error: unknown) => {
      if (isMissingGroup(error)) return due
      throw error
    })
    // One that was acknowledged meanwhile is not pending any more, and that is no loss: let its reply be dealt with first.
    if (lost.length > 0) await new Promise(setImmediate)
    const trulyLost = lost.filter((delivery) => this.#holdings.holds(delivery))
    for (const delivery of trulyLost) {
      delivery.lease.lose()
      this.#holdings.remove(delivery)
    }
    const { group, consumer } = this.#options
    if (trulyLost.length > 0) {
      this.#tell({ kind: 'lease-lost', group, consumer, entryIds: trulyLost.map(({ entryId }) => entryId) })
    }
    return due.length
  }
}
