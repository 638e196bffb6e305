import type { Condition } from '../../base/condition.ts'
import type { Token } from '../../broker/token.ts'
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
  #settling = 0
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

  /** Those of them that are being settled: their handler has its slot no more. */
  get settling(): number {
    return this.#settling
  }

  /** Whether a delivery of this entry with this attempt is held. One that is committed has ended, though its handler may run. */
  holdsAttempt({ entryId, attempt }: Token): boolean {
    const held = this.#held.get(entryId)
    return held?.attempt === attempt && !held.isCommitted
  }

  /** The delivery of this entry that is held, if any. */
  of(entryId: string): Delivery | undefined {
    return this.#held.get(entryId)
  }

  /** Whether this very delivery is held, not just another one of the same entry. */
  holds(delivery: Delivery): boolean {
    return this.#held.get(delivery.entryId) === delivery
  }

  all(): Delivery[] {
    return [...this.#held.values()]
  }

  /** Tells commits that are on their way, also those whose handler has ended, that their time is up. */
  interruptCommits(reason: Error): void {
    for (const { committing, lease } of this.#held.values()) if (committing) lease.interrupt(reason)
  }

  add(delivery: Delivery): void {
    this.#held.set(delivery.entryId, delivery)
  }

  /** Its lease is lost: from now on it is held no more, but takes up its place until `remove`. */
  lose(delivery: Delivery): void {
    delivery.lease.lose()
    this.#delete(delivery)
    this.#lost.add(delivery)
    this.#changed.notify()
  }

  /** An outcome goes to Redis; `endSettling` follows. */
  beginSettling(): void {
    this.#settling += 1
  }

  endSettling(delivery: Delivery): void {
    this.#settling -= 1
    this.remove(delivery)
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
