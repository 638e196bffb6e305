import { now } from './clock.ts'
import type { Fields } from './entry.ts'
import { LeaseLostError } from './errors.ts'

/**
 * The time for which an entry is surely ours. Counted from before the command was sent that started or extended it, so
 * that our clock always ends first. The fencing token of a lease is (owner, attempt), checked by every script.
 */
export class Lease {
  readonly #leaseMs: number
  readonly #entryId: string
  #since: number
  #abort: AbortController | undefined
  #ended: Error | undefined
  #interrupted: Error | undefined
  /** Acknowledged, although its handler still runs: there is nothing left to extend or to lose. */
  isOver = false

  constructor(entryId: string, leaseMs: number, since: number) {
    this.#entryId = entryId
    this.#leaseMs = leaseMs
    this.#since = since
  }

  /** False once it may have run out: ask Redis before writing anything. */
  get isSure(): boolean {
    return !this.#ended && now() < this.#since + this.#leaseMs
  }

  get ageMs(): number {
    return now() - this.#since
  }

  get isLost(): boolean {
    return this.#ended instanceof LeaseLostError
  }

  /** Fires when the lease is lost, or the handler's time is up. Made on demand: most handlers never look. */
  get signal(): AbortSignal {
    this.#abort ??= new AbortController()
    const why = this.#ended ?? this.#interrupted
    if (why && !this.#abort.signal.aborted) this.#abort.abort(why)
    return this.#abort.signal
  }

  extended(since: number): void {
    this.#since = since
  }

  lose(): void {
    this.#end(new LeaseLostError(this.#entryId))
  }

  /** Asks the handler to stop; the lease stays ours. */
  interrupt(reason: Error): void {
    this.#interrupted = reason
    this.#abort?.abort(reason)
  }

  #end(reason: Error): void {
    this.#ended ??= reason
    this.#abort?.abort(reason)
  }
}

/** One handing of an entry to this consumer. */
export interface Delivery {
  readonly entryId: string
  /** Flat field, value, …; `undefined` when somebody deleted the entry while it was pending. */
  readonly fields: Fields | undefined
  /** The consumer name that it is pending under. */
  readonly owner: string
  /** Deliveries so far, this one included: what Redis counts. */
  readonly attempt: number
  /** `crashed`: it is not to be run again, only settled. */
  readonly kind: 'run' | 'crashed'
  readonly lease: Lease
  /** Key of the idempotency record, once it is ours. */
  guard?: string
}

/** What an idempotency record holds while this delivery runs. */
export const guardValue = (delivery: Delivery): string =>
  `running ${delivery.owner} ${delivery.entryId} ${delivery.attempt}`
