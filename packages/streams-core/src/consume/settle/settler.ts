import { setMaxListeners } from 'node:events'
import type { Patience } from '../../base/patience.ts'
import { isMissingGroup, isRefusal } from '../../base/redis-errors.ts'
import type { Dead, Parked, SettleBroker } from '../../broker/settle.ts'
import type { Outcome } from '../../define/outcome.ts'
import type { Tell } from '../../tell/report.ts'
import type { Delivery } from '../delivery/delivery.ts'
import { Acknowledger } from './acknowledger.ts'
import { type OnSettled, settledByError } from './on-settled.ts'

export interface SettlerActors {
  broker: SettleBroker
  patience: Patience
  /** Called with the delay after which a parked entry is due. */
  onParked: (delayMs: number) => void
  tell: Tell
  /** Called when Redis refuses for good: ends the consumer. */
  onRefusal: (error: unknown) => void
}

/** Writes the outcome. What Redis cannot take now is tried again until it can, or until the drain is over. */
export class Settler {
  readonly #broker: SettleBroker
  readonly #patience: Patience
  readonly #onParked: (delayMs: number) => void
  readonly #tell: Tell
  readonly #onRefusal: (error: unknown) => void
  readonly #acknowledger: Acknowledger
  readonly #givenUp = new AbortController()

  constructor(actors: SettlerActors) {
    // Every write that waits listens to it.
    setMaxListeners(0, this.#givenUp.signal)
    this.#broker = actors.broker
    this.#patience = actors.patience
    this.#onParked = actors.onParked
    this.#tell = actors.tell
    this.#onRefusal = actors.onRefusal
    this.#acknowledger = new Acknowledger(actors.broker, (write) => this.#persist(write))
  }

  /** The one place where an outcome is written. */
  settle(delivery: Delivery, outcome: Outcome, onSettled: OnSettled): void {
    switch (outcome.type) {
      case 'ack':
      case 'skip':
        return this.#acknowledger.acknowledge(delivery, onSettled)
      case 'retry':
      case 'release':
        return this.#whenWritten(this.#park(delivery, outcome), onSettled)
      case 'dead-letter':
        return this.#whenWritten(this.#deadLetter(delivery, outcome), onSettled)
      case 'committed':
      case 'abandon':
        // `commit` has written it; or nothing is to be written, because the lease is lost or the entry was deleted.
        return onSettled('written')
      default:
        return outcome satisfies never
    }
  }

  /** From now on nothing is tried again: the time to drain is over. */
  giveUp(): void {
    this.#givenUp.abort()
  }

  #whenWritten(writing: Promise<boolean>, onSettled: OnSettled): void {
    writing.then(
      (isOurs) => onSettled(isOurs ? 'written' : 'lease-lost'),
      (error) => onSettled(settledByError(error)),
    )
  }

  #deadLetter(delivery: Delivery, outcome: Dead): Promise<boolean> {
    return this.#persist(() => this.#broker.deadLetter(delivery, delivery.redrive?.times ?? 0, outcome))
  }

  async #park(delivery: Delivery, outcome: Parked): Promise<boolean> {
    const isOurs = await this.#persist(() => this.#broker.park(delivery, outcome))
    if (isOurs) this.#onParked(outcome.delayMs)
    return isOurs
  }

  /**
   * Tries one write until Redis takes it. Its error is told here, once for the write, and not once for each delivery:
   * many acknowledgements may share a write.
   */
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
