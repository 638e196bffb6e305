import type { SettleBroker } from '../../broker/settle.ts'
import type { Delivery } from './delivery.ts'

/** Deliveries that are acknowledged together. */
interface Batch {
  readonly deliveries: Delivery[]
  /** Resolves, once the acknowledgements are written, to the deliveries whose lease was lost. */
  readonly written: Promise<ReadonlySet<Delivery>>
}

/** Acknowledges in batches: acknowledgements that gather while a batch is on its way to Redis are the next batch. */
export class Acknowledger {
  readonly #broker: SettleBroker
  readonly #persist: <T>(write: () => Promise<T>) => Promise<T>
  #gathering: Batch | undefined
  #lastWritten: Promise<unknown> = Promise.resolve()

  /** @param persist Tries a write again until Redis can take it. */
  constructor(broker: SettleBroker, persist: <T>(write: () => Promise<T>) => Promise<T>) {
    this.#broker = broker
    this.#persist = persist
  }

  /** Resolves once the acknowledgement is written. False: the lease was lost. */
  async acknowledge(delivery: Delivery): Promise<boolean> {
    this.#gathering ??= this.#gather()
    const { deliveries, written } = this.#gathering
    deliveries.push(delivery)
    const lost = await written
    return !lost.has(delivery)
  }

  #gather(): Batch {
    const deliveries: Delivery[] = []
    const written = this.#whenPreviousIsWritten().then(() => {
      this.#gathering = undefined
      return this.#persist(() => this.#write(deliveries))
    })
    this.#lastWritten = written.catch(() => {})
    return { deliveries, written: written.then((lost) => new Set(lost)) }
  }

  async #whenPreviousIsWritten(): Promise<void> {
    await this.#lastWritten
    // Everything that ends in this turn of the event loop shares the command.
    await new Promise(setImmediate)
  }

  /** Returns the deliveries whose lease was lost. */
  async #write(deliveries: readonly Delivery[]): Promise<Delivery[]> {
    // A first delivery has no history to delete, and a lease that is surely ours needs no check. Without an idempotency
    // record, either, XACK alone does it, one for all such deliveries.
    const isPlain = (d: Delivery) => d.attempt === 1 && !d.recordKey && d.lease.isSure
    const plain: Delivery[] = []
    const others: Delivery[] = []
    for (const delivery of deliveries) (isPlain(delivery) ? plain : others).push(delivery)
    const [lost] = await Promise.all([
      others.length > 0 ? this.#broker.ackChecked(others) : [],
      plain.length > 0 ? this.#broker.ack(plain) : undefined,
    ])
    return lost
  }
}
