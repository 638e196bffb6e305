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

  readonly #waitingClaimed: () => number

  /**
   * @param capacity How many entries the reader may fill it with.
   * @param waitingClaimed Claimed entries that wait for a handler slot: they come on top, so that neither claimed entries
   * nor read ones keep the others out.
   */
  constructor(capacity: number, waitingClaimed: () => number) {
    this.#capacity = capacity
    this.#waitingClaimed = waitingClaimed
  }

  get size(): number {
    return this.#held.size
  }

  get free(): number {
    return Math.max(0, this.#capacity + this.#waitingClaimed() - this.#held.size)
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

  whenFree(signal: AbortSignal): Promise<void> {
    return this.#changed.wait(() => this.free > 0, signal)
  }

  /** Resolves when nothing is held but this delivery, or the signal is aborted. */
  whenEmptyBut(delivery: Delivery | undefined, signal: AbortSignal): Promise<void> {
    return this.#changed.wait(() => this.isEmptyBut(delivery), signal)
  }

  isEmptyBut(delivery: Delivery | undefined): boolean {
    return this.size === (delivery && this.holds(delivery) ? 1 : 0)
  }
}
