import type { Condition } from '../../base/condition.ts'
import type { Delivery } from './delivery.ts'

export interface HoldingsOptions {
  /** How many entries can run at the same time: the consumer always reads for all of them. */
  capacity: () => number
  /** How many more entries may be read now: the size of the buffer. */
  bufferSize: () => number
  /**
   * Claimed entries that wait for a handler slot: they come on top, so that neither claimed entries nor read ones keep
   * the others out.
   */
  waitingClaimed: () => number
  /** Notified when anything changes that the number of wanted entries depends on. */
  changed: Condition
}

/**
 * What this consumer holds: every delivery from the moment it arrives until it is settled, whether it waits, runs or
 * is being settled. The lease keeper extends the leases of all of it, and the reader asks for no more than fits.
 */
export class Holdings {
  readonly #options: HoldingsOptions
  readonly #held = new Map<string, Delivery>()
  readonly #changed: Condition

  constructor(options: HoldingsOptions) {
    this.#options = options
    this.#changed = options.changed
  }

  get size(): number {
    return this.#held.size
  }

  /**
   * How many entries the reader should ask for; 0 until there is room for half of the buffer, because many small reads
   * cost more than a few large ones.
   */
  get wanted(): number {
    const { capacity, bufferSize, waitingClaimed } = this.#options
    const buffer = bufferSize()
    const free = capacity() + buffer + waitingClaimed() - this.#held.size
    return free >= Math.max(1, buffer / 2) ? free : 0
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

  /** Resolves when the reader should ask for entries, or the signal is aborted. */
  whenWanted(signal: AbortSignal): Promise<void> {
    return this.#changed.wait(() => this.wanted > 0, signal)
  }

  /** Resolves when nothing is held but this delivery, or the signal is aborted. */
  whenEmptyBut(delivery: Delivery | undefined, signal: AbortSignal): Promise<void> {
    return this.#changed.wait(() => this.isEmptyBut(delivery), signal)
  }

  isEmptyBut(delivery: Delivery | undefined): boolean {
    return this.size === (delivery && this.holds(delivery) ? 1 : 0)
  }
}
