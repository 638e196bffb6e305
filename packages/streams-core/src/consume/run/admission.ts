import type { Patience } from '../../base/patience.ts'
import type { SettleBroker } from '../../broker/settle.ts'
import type { Decoded } from '../../define/decode.ts'
import type { RunResult } from '../../define/outcome.ts'
import type { Delivery } from '../delivery/delivery.ts'
import { resultOfRedisError } from './redis-faults.ts'

export interface AdmissionActors {
  broker: SettleBroker
  patience: Patience
  /** Asks Redis whether a lease that may be over is still ours, and extends it. Rejects where Redis does not answer. */
  confirmLease: (delivery: Delivery) => Promise<boolean>
  /** Called when Redis refuses for good: ends the consumer. */
  onRefusal: (error: unknown) => void
}

type DecodedEvent = Extract<Decoded, { ok: true }>

/** An event whose handler is to run, or the result of a delivery whose handler is not to run. */
export type Admitted = DecodedEvent | RunResult

/**
 * Says whether the handler of a delivery is to run: `examine` by what the entry holds, `confirm` by what Redis says of its
 * lease and its idempotency record. Most deliveries need no Redis, and `confirm` is a promise: it is not called for them.
 */
export class Admission {
  readonly #options: { group: string; hasRecords: boolean }
  readonly #actors: AdmissionActors

  /** @param options.hasRecords Whether there are idempotency records. */
  constructor(options: { group: string; hasRecords: boolean }, actors: AdmissionActors) {
    this.#options = options
    this.#actors = actors
  }

  /** Decodes the entry. The event, if its handler may run; otherwise why not. */
  examine(delivery: Delivery): Admitted {
    // Without decoding the entry: its schema may have been what killed the process.
    if (delivery.kind === 'crashed') return { result: 'crashed' }
    const { redrive } = delivery
    if (redrive && redrive.group !== this.#options.group) return { result: 'not-ours' }
    const decoded = delivery.decode()
    if (!decoded) return { result: 'deleted' }
    return decoded.ok ? decoded : { result: 'malformed', reason: decoded.reason }
  }

  /** Whether `confirm` has to be asked before the handler is called. */
  isUnconfirmed({ lease }: Delivery): boolean {
    return this.#options.hasRecords || !lease.isSure
  }

  /**
   * Takes the idempotency record and confirms the lease, as far as needed. The lease comes last: the record may have had to
   * wait for Redis for longer than a lease. Returns why the handler is not to run. Never rejects.
   */
  async confirm(delivery: Delivery, eventId: string): Promise<RunResult | undefined> {
    const notToRun = this.#options.hasRecords ? await this.#takeRecord(delivery, eventId) : undefined
    return notToRun ?? (await this.confirmLease(delivery))
  }

  /**
   * After a freeze or an outage, an entry may have another owner, so Redis is asked, until it answers. Returns why the
   * handler is not to run. Never rejects.
   */
  async confirmLease(delivery: Delivery): Promise<RunResult | undefined> {
    const { patience, confirmLease } = this.#actors
    const { lease } = delivery
    if (lease.isSure) return undefined
    try {
      const isOurs = await patience.persist(() => confirmLease(delivery), lease.signal)
      return isOurs ? undefined : { result: 'lease-lost' }
    } catch (error) {
      return this.#resultOf(error, delivery)
    }
  }

  /** Takes the idempotency record; returns a result when the handler must not run. */
  async #takeRecord(delivery: Delivery, eventId: string): Promise<RunResult | undefined> {
    const { broker, patience } = this.#actors
    try {
      const take = () => broker.takeRecord(delivery, eventId)
      const { reply, recordKey } = await patience.persist(take, delivery.lease.signal)
      switch (reply) {
        case 'ours':
          delivery.recordKey = recordKey
          return undefined
        case 'done':
          return { result: 'handled-before' }
        case 'elsewhere':
          return { result: 'handled-elsewhere' }
        case 'lost':
          return { result: 'lease-lost' }
        default:
          return reply satisfies never
      }
    } catch (error) {
      return this.#resultOf(error, delivery)
    }
  }

  #resultOf(error: unknown, delivery: Delivery): RunResult {
    return resultOfRedisError(error, [delivery], this.#actors.onRefusal) ?? { result: 'threw', error }
  }
}
