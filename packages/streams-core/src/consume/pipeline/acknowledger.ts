import type { SettleBroker } from '../../broker/settle.ts'
import { lostAmong } from '../../broker/token.ts'
import type { Delivery } from './delivery.ts'
import { type OnSettled, type Settled, settledByError } from './on-settled.ts'

/** A delivery to acknowledge. */
interface Acknowledgement {
  readonly delivery: Delivery
  readonly onSettled: OnSettled
}

const NONE: ReadonlySet<Delivery> = new Set()

/** Acknowledges in batches: acknowledgements that gather while a batch is on its way to Redis are the next batch. */
export class Acknowledger {
  readonly #broker: SettleBroker
  readonly #persist: <T>(write: () => Promise<T>) => Promise<T>
  #gathered: Acknowledgement[] = []
  #isWriting = false

  /** @param persist Tries a write again until Redis can take it. */
  constructor(broker: SettleBroker, persist: <T>(write: () => Promise<T>) => Promise<T>) {
    this.#broker = broker
    this.#persist = persist
  }

  acknowledge(delivery: Delivery, onSettled: OnSettled): void {
    this.#gathered.push({ delivery, onSettled })
    if (this.#isWriting) return
    this.#isWriting = true
    // Everything that ends in this iteration of the event loop shares the first command.
    setImmediate(() => this.#writeGathered())
  }

  async #writeGathered(): Promise<void> {
    while (this.#gathered.length > 0) {
      const batch = this.#gathered
      this.#gathered = []
      const settledOf = await this.#write(batch.map(({ delivery }) => delivery))
      for (const { delivery, onSettled } of batch) onSettled(settledOf(delivery))
    }
    this.#isWriting = false
  }

  /**
   * Never rejects. Returns what became of each delivery. A function, so that `onSettled` is called outside the `try`: what
   * it threw would call it twice.
   */
  async #write(deliveries: readonly Delivery[]): Promise<(delivery: Delivery) => Settled> {
    // A first delivery has no history to delete. If it has no idempotency record either, and its lease is surely ours, it
    // needs no script: one XACK acknowledges all such deliveries.
    const isPlain = (d: Delivery) => d.attempt === 1 && !d.recordKey && d.lease.isSure
    const plain: Delivery[] = []
    const others: Delivery[] = []
    for (const delivery of deliveries) (isPlain(delivery) ? plain : others).push(delivery)
    try {
      const [lost, lostLater] = await Promise.all([this.#ackChecked(others), this.#ackPlain(plain)])
      return (delivery) => (lost.has(delivery) || lostLater.has(delivery) ? 'lease-lost' : 'written')
    } catch (error) {
      return () => settledByError(error)
    }
  }

  /**
   * Returns the deliveries whose lease was lost. A second try may come long after the first: those whose lease is not
   * surely ours any more are checked after all.
   */
  async #ackPlain(deliveries: readonly Delivery[]): Promise<ReadonlySet<Delivery>> {
    if (deliveries.length === 0) return NONE
    let sure = deliveries
    let isFirst = true
    await this.#persist(async () => {
      if (!isFirst) sure = sure.filter(({ lease }) => lease.isSure)
      isFirst = false
      if (sure.length > 0) await this.#broker.ack(sure)
    })
    if (sure.length === deliveries.length) return NONE
    const acknowledged = new Set(sure)
    return this.#ackChecked(deliveries.filter((delivery) => !acknowledged.has(delivery)))
  }

  /**
   * Returns the deliveries whose lease was lost. Each chunk is tried again by itself: a chunk that is written is not
   * pending any more, and a second try would find its leases lost.
   */
  async #ackChecked(deliveries: readonly Delivery[]): Promise<ReadonlySet<Delivery>> {
    return new Set(await lostAmong(deliveries, (chunk) => this.#persist(() => this.#broker.ackChecked(chunk))))
  }
}
