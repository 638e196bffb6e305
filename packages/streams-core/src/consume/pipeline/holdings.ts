import type { Condition } from '../../base/condition.ts'
import type { Delivery } from './delivery.ts'

/**
 * What this consumer holds: every delivery from the moment it is to be processed until it is settled or its lease is
 * lost, whether it waits, runs or is being settled. The lease keeper extends the leases of all of it.
 */
export class Holdings {
  /** Entry id → its delivery. */
  readonly #held = new Map<string, Delivery>()
  /** Deliveries that are no longer ours, and have not ended yet. */
  readonly #lost = new Set<Delivery>()
  readonly #changed: Condition

  /** @param changed Notified when a delivery is no longer held. */
  constructor(changed: Condition) {
    this.#changed = changed
  }

  get size(): number {
    return this.#held.size
  }

  /** Deliveries that take up a place. Also those whose lease is lost: their handler may still run, and has its slot. */
  get takingPlaces(): number {
    return this.#held.size + this.#lost.size
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

  /** Its lease is lost: from now on it is held no more, but takes up its place until `remove`. */
  lose(delivery: Delivery): void {
    this.#delete(delivery)
    this.#lost.add(delivery)
    this.#changed.notify()
  }

  /** Removes this very delivery; a newer one of the same entry stays. */
  remove(delivery: Delivery): void {
    this.#delete(delivery)
    this.#lost.delete(delivery)
    this.#changed.notify()
  }

  #delete(delivery: Delivery): void {
    if (this.holds(delivery)) this.#held.delete(delivery.entryId)
  }

  /** Resolves when nothing is held but this delivery, or the signal is aborted. */
  whenEmptyBut(delivery: Delivery | undefined, signal: AbortSignal): Promise<void> {
    return this.#changed.wait(() => this.isEmptyBut(delivery), signal)
  }

  isEmptyBut(delivery: Delivery | undefined): boolean {
    return this.size === (delivery && this.holds(delivery) ? 1 : 0)
  }
}
