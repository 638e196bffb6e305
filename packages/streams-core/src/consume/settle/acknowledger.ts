import type { SettleBroker } from '../../broker/settle.ts'
import { chunksByRecord } from '../../broker/token.ts'
import type { Delivery } from '../delivery/delivery.ts'
import { type OnSettled, type Settled, settledByError } from './on-settled.ts'

interface Acknowledgement {
  delivery: Delivery
  onSettled: OnSettled
}

/**
 * A first delivery has no history to delete. If it has no idempotency record either, and its lease is surely ours, it needs
 * no script: one XACK acknowledges all such deliveries. If the script did, one consumer would drain a backlog a fifth
 * slower, and Redis would spend 2.4 times the CPU on it.
 */
const isPlain = ({ delivery: { attempt, recordKey, lease } }: Acknowledgement): boolean =>
  attempt === 1 && !recordKey && lease.isSure

/**
 * Acknowledges in batches: acknowledgements that gather while a batch is on its way to Redis are the next batch. Once a
 * command is answered, each of its deliveries is told what became of it: it does not wait for the other commands of the
 * batch.
 */
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
      await this.#write(batch)
    }
    this.#isWriting = false
  }

  /** Never rejects. */
  async #write(batch: readonly Acknowledgement[]): Promise<void> {
    const plain: Acknowledgement[] = []
    const others: Acknowledgement[] = []
    for (const one of batch) (isPlain(one) ? plain : others).push(one)
    await Promise.all([this.#writePlain(plain), this.#writeChecked(others)])
  }

  /** A second try may come long after the first: those whose lease is not surely ours any more are checked after all. */
  async #writePlain(batch: readonly Acknowledgement[]): Promise<void> {
    if (batch.length === 0) return
    let sure = batch
    let isFirst = true
    let settled: Settled = 'written'
    try {
      await this.#persist(async () => {
        if (!isFirst) sure = sure.filter(({ delivery }) => delivery.lease.isSure)
        isFirst = false
        if (sure.length > 0) await this.#broker.ack(sure.map(({ delivery }) => delivery))
      })
    } catch (error) {
      settled = settledByError(error)
    }
    for (const { onSettled } of sure) onSettled(settled)
    if (sure.length === batch.length) return
    const told = new Set(sure)
    await this.#writeChecked(batch.filter((one) => !told.has(one)))
  }

  /**
   * Each chunk is tried again by itself: a chunk that is written is not pending any more, and a second try would find its
   * leases lost.
   */
  async #writeChecked(batch: readonly Acknowledgement[]): Promise<void> {
    const onSettledOf = new Map(batch.map(({ delivery, onSettled }) => [delivery, onSettled]))
    for (const chunk of chunksByRecord(batch.map(({ delivery }) => delivery))) {
      let settledOf: (delivery: Delivery) => Settled
      try {
        const lost = new Set(await this.#persist(() => this.#broker.ackChecked(chunk)))
        settledOf = ({ entryId }) => (lost.has(entryId) ? 'lease-lost' : 'written')
      } catch (error) {
        const settled = settledByError(error)
        settledOf = () => settled
      }
      for (const delivery of chunk) onSettledOf.get(delivery)?.(settledOf(delivery))
    }
  }
}
