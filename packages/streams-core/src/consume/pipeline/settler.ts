import type { Patience } from '../../base/patience.ts'
import { isMissingGroup, isRefusal } from '../../base/redis-errors.ts'
import type { Parked, SettleBroker } from '../../broker/settle.ts'
import type { Outcome } from '../../define/outcome.ts'
import type { Tell } from '../../tell/report.ts'
import { Acknowledger } from './acknowledger.ts'
import type { Delivery } from './delivery.ts'

/** `not-taken`: Redis refused the write, or could not take it before the drain was over. */
export type Settled = 'written' | 'lease-lost' | 'not-taken'

export interface SettlerActors {
  broker: SettleBroker
  patience: Patience
  /** Called with the delay after which a parked entry is due. */
  onParked: (delayMs: number) => void
  tell: Tell
  /** Called when Redis refuses for good: ends the consumer. */
  onRefusal: (error: unknown) => void
}

/** Writes what was decided. What Redis cannot take now is tried again until it can, or until the drain is over. */
export class Settler {
  readonly #broker: SettleBroker
  readonly #patience: Patience
  readonly #onParked: (delayMs: number) => void
  readonly #tell: Tell
  readonly #onRefusal: (error: unknown) => void
  readonly #acknowledger: Acknowledger
  readonly #givenUp = new AbortController()

  constructor(actors: SettlerActors) {
    this.#broker = actors.broker
    this.#patience = actors.patience
    this.#onParked = actors.onParked
    this.#tell = actors.tell
    this.#onRefusal = actors.onRefusal
    this.#acknowledger = new Acknowledger(actors.broker, (write) => this.#persist(write))
  }

  /** Resolves once the outcome is written, or cannot be. Never rejects. */
  async settle(delivery: Delivery, outcome: Outcome): Promise<Settled> {
    try {
      return (await this.#write(delivery, outcome)) ? 'written' : 'lease-lost'
    } catch (error) {
      // If the group is gone, so is the lease. Otherwise the entry is delivered again once its lease is over.
      return isMissingGroup(error) ? 'lease-lost' : 'not-taken'
    }
  }

  /** From now on nothing is tried again: the time to drain is over. */
  giveUp(): void {
    this.#givenUp.abort()
  }

  /** The one place where an outcome is written. False: the lease was lost. */
  #write(delivery: Delivery, outcome: Outcome): Promise<boolean> {
    switch (outcome.type) {
      case 'ack':
      case 'skip':
        return this.#acknowledger.acknowledge(delivery)
      case 'retry':
      case 'release':
        return this.#park(delivery, outcome)
      case 'dead-letter':
        return this.#persist(() => this.#broker.deadLetter(delivery, delivery.redrive?.times ?? 0, outcome))
      case 'committed':
      case 'abandon':
        // `commit` has written it; or there is nothing to write.
        return Promise.resolve(true)
      default:
        return outcome satisfies never
    }
  }

  async #park(delivery: Delivery, outcome: Parked): Promise<boolean> {
    const isOurs = await this.#persist(() => this.#broker.park(delivery, outcome))
    if (isOurs) this.#onParked(outcome.delayMs)
    return isOurs
  }

  /** Tries one write until Redis takes it. Its error is told here, once, because many acknowledgements may share it. */
  async #persist<T>(write: () => Promise<T>): Promise<T> {
    try {
      return await this.#patience.persist(write, this.#givenUp.signal)
    } catch (error) {
      if (isRefusal(error)) this.#onRefusal(error)
      else if (!isMissingGroup(error)) this.#tell({ kind: 'trouble', where: 'settler', error })
      throw error
    }
  }
}
