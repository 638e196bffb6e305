import { Condition } from '../../base/condition.ts'
import type { Delivery } from './delivery.ts'

/**
 * What this consumer holds: every delivery from the moment it arrives until it is settled, whether it waits, runs or
 * is being settled. The lease keeper extends the leases of all of it, and the reader asks for no more than fits.
 */
export class Holdings {
  readonly #capacity: number
  readonly #held = new Map<string, Delivery>()
  readonly #changed = new Condition()

  /** @param capacity How many entries the reader may fill it with; claimed ones may come on top. */
  constructor(capacity: number) {
    this.#capacity = capacity
  }

  get size(): number {
    return this.#held.size
  }

  get free(): number {
    return Math.max(0, this.#capacity - this.#held.size)
  }

  has(entryId: string): boolean {
    return this.#held.has(entryId)
  }

  /** Whether this very delivery is held, not just one of the same entry. */
  holds(delivery: Delivery): boolean {
    return this.#held.get(delivery.entryId) === delivery
  }

  all(): Delivery[] {
    return [...this.#held.values()]
  }

  add(delivery: Delivery): void {
    this.#held.set(delivery.entryId, delivery)
  }

  /** Removes this very delivery; a newer one of the same entry stays. */
  remove(delivery: Delivery): void {
    if (this.#held.get(delivery.entryId) === delivery) this.#held.delete(delivery.entryId)
    this.#changed.notify()
  }

  /** Resolves when there is a free place, or a part of all places is free, or the signal is aborted. */
  whenFree(signal: AbortSignal, part = 0): Promise<void> {
    const places = Math.max(1, Math.floor(this.#capacity * part))
    return this.#changed.wait(() => this.free >= places, signal)
  }

  /** Resolves when nothing is held but this delivery, or the signal is aborted. */
  whenEmptyBut(delivery: Delivery | undefined, signal: AbortSignal): Promise<void> {
    return this.#changed.wait(() => this.isEmptyBut(delivery), signal)
  }

  isEmptyBut(delivery: Delivery | undefined): boolean {
    return this.size === (delivery && this.holds(delivery) ? 1 : 0)
  }
}
