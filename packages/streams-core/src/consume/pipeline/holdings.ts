import type { Condition } from '../../base/condition.ts'
import type { Delivery } from './delivery.ts'

/**
 * What this consumer holds: every delivery from the moment it arrives until it is settled, whether it waits, runs or
 * is being settled. The lease keeper extends the leases of all of it.
 */
export class Holdings {
  /** Entry id → its delivery. */
  readonly #held = new Map<string, Delivery>()
  readonly #changed: Condition

  /** @param changed Notified when a delivery is no longer held. */
  constructor(changed: Condition) {
    this.#changed = changed
  }

  get size(): number {
    return this.#held.size
  }

  has(entryId: string): boolean {
    return this.#held.has(entryId)
  }

  /** Whether this very delivery is held, not just another one of the same entry. */
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

  /** Resolves when nothing is held but this delivery, or the signal is aborted. */
  whenEmptyBut(delivery: Delivery | undefined, signal: AbortSignal): Promise<void> {
    return this.#changed.wait(() => this.isEmptyBut(delivery), signal)
  }

  isEmptyBut(delivery: Delivery | undefined): boolean {
    return this.size === (delivery && this.holds(delivery) ? 1 : 0)
  }
}
