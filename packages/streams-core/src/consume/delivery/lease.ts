import { now } from '../../base/clock.ts'
import { LeaseLostError } from '../../base/errors.ts'

/**
 * The time for which an entry is surely ours. It is counted from just before the command that started or extended it
 * was sent, so it is over for us before it is over for Redis. The fencing token of a lease is (owner, attempt), which
 * the scripts that extend or settle check.
 */
export class Lease {
  readonly #leaseMs: number
  readonly #entryId: string
  #since: number
  #abort: AbortController | undefined
  #lost: LeaseLostError | undefined
  #interrupted: Error | undefined

  /** @param since On the clock of `now()`. */
  constructor(entryId: string, leaseMs: number, since: number) {
    this.#entryId = entryId
    this.#leaseMs = leaseMs
    this.#since = since
  }

  /** False once the lease may be over: ask Redis before writing anything. */
  get isSure(): boolean {
    return !this.#lost && now() < this.#since + this.#leaseMs
  }

  get ageMs(): number {
    return now() - this.#since
  }

  get isLost(): boolean {
    return this.#lost !== undefined
  }

  /** Fires when the lease is lost, or the handler is to stop. Created on demand: most handlers never use it. */
  get signal(): AbortSignal {
    this.#abort ??= new AbortController()
    const why = this.#lost ?? this.#interrupted
    if (why && !this.#abort.signal.aborted) this.#abort.abort(why)
    return this.#abort.signal
  }

  extended(since: number): void {
    this.#since = since
  }

  lose(): void {
    this.#lost ??= new LeaseLostError(this.#entryId)
    this.#abort?.abort(this.#lost)
  }

  /** Asks the handler to stop; the lease stays ours. */
  interrupt(reason: Error): void {
    this.#interrupted = reason
    this.#abort?.abort(reason)
  }
}
