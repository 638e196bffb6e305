import type { SettleBroker } from '../../broker/settle.ts'
import type { Delivery } from './delivery.ts'

/** Acknowledges in batches: acknowledgements that gather while a batch is on its way to Redis are the next batch. */
export class Acknowledger {
  readonly #broker: SettleBroker
  readonly #persist: <T>(write: () => Promise<T>) => Promise<T>
  #waiting: { delivery: Delivery; resolve: (isOurs: boolean) => void; reject: (error: unknown) => void }[] = []
  #isFlushing = false

  /** @param persist Tries a write again until Redis can take it. */
  constructor(broker: SettleBroker, persist: <T>(write: () => Promise<T>) => Promise<T>) {
    this.#broker = broker
    this.#persist = persist
  }

  /** Resolves once the acknowledgement is written. False: the lease was lost. */
  acknowledge(delivery: Delivery): Promise<boolean> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ delivery, resolve, reject })
      if (this.#isFlushing) return
      this.#isFlushing = true
      // Everything that ends in this turn of the event loop shares the first command.
      setImmediate(() => this.#flush())
    })
  }

  async #flush(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0)
      const deliveries = batch.map(({ delivery }) => delivery)
      try {
        const lost = new Set(await this.#persist(() => this.#write(deliveries)))
        for (const { delivery, resolve } of batch) resolve(!lost.has(delivery))
      } catch (error) {
        for (const { reject } of batch) reject(error)
      }
    }
    this.#isFlushing = false
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
