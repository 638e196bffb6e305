import type { IntakeBroker } from '../../broker/intake.ts'
import type { Tell } from '../../tell/report.ts'
import type { Holdings } from '../delivery/holdings.ts'
import type { Pipeline } from '../pipeline/pipeline.ts'

/**
 * Retakes entries that Redis delivered to this consumer in a reply that was lost. The lease of whatever the consumer
 * holds is extended before a third of it has passed. So an entry under the consumer's name that has been idle for half
 * a lease, and that the consumer does not hold with this attempt, came in a lost reply.
 */
export class LostReplies {
  readonly #options: { group: string; consumer: string; leaseMs: number }
  readonly #broker: IntakeBroker
  readonly #holdings: Holdings
  readonly #pipeline: Pipeline
  readonly #tell: Tell

  constructor(
    options: { group: string; consumer: string; leaseMs: number },
    actors: { broker: IntakeBroker; holdings: Holdings; pipeline: Pipeline; tell: Tell },
  ) {
    this.#options = options
    this.#broker = actors.broker
    this.#holdings = actors.holdings
    this.#pipeline = actors.pipeline
    this.#tell = actors.tell
  }

  async retake(): Promise<void> {
    const { group, consumer, leaseMs } = this.#options
    const idle = await this.#broker.idleOfOurs(leaseMs / 2)
    const unknown = idle.filter((token) => !this.#holdings.holdsAttempt(token))
    if (unknown.length === 0) return
    const retaken = await this.#broker.retake(unknown)
    if (retaken.length === 0) return
    this.#tell({ kind: 'retaken', group, consumer, entryIds: retaken.map(({ entryId }) => entryId) })
    await this.#pipeline.acceptClaimed(retaken)
  }
}
