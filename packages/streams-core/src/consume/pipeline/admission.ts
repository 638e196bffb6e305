import type { Patience } from '../../base/patience.ts'
import type { SettleBroker } from '../../broker/settle.ts'
import type { Decoded } from '../../define/decode.ts'
import type { RunResult } from '../../define/outcome.ts'
import type { Delivery } from './delivery.ts'
import { resultOfRedisError } from './redis-faults.ts'

export interface AdmissionActors {
  broker: SettleBroker
  patience: Patience
  /** Asks Redis whether a lease that may be over is still ours, and extends it. */
  confirm: (delivery: Delivery) => Promise<boolean>
  /** Called when Redis refuses for good: ends the consumer. */
  onRefusal: (error: unknown) => void
}

type DecodedEvent = Extract<Decoded, { ok: true }>

/** An event whose handler is to run, or the result of a delivery whose handler is not to run. */
export type Admitted = DecodedEvent | RunResult

/**
 * Says whether the handler of a delivery is to run. Decodes the entry and, where needed, confirms the lease and takes the
 * idempotency record.
 */
export class Admission {
  readonly #options: { group: string; hasRecords: boolean }
  readonly #actors: AdmissionActors

  /** @param options.hasRecords Whether there are idempotency records. */
  constructor(options: { group: string; hasRecords: boolean }, actors: AdmissionActors) {
    this.#options = options
    this.#actors = actors
  }

  /**
   * The event, if its handler is to run; otherwise why not. A promise only where Redis has to be asked, so that no other
   * event pays for one. Never rejects.
   */
  admit(delivery: Delivery): Admitted | Promise<Admitted> {
    // Without decoding the entry: its schema may have been what killed the process.
    if (delivery.kind === 'crashed') return { result: 'crashed' }
    const { redrive, decoded, lease } = delivery
    if (!decoded) return { result: 'deleted' }
    if (redrive && redrive.group !== this.#options.group) return { result: 'not-ours' }
    if (!decoded.ok) return { result: 'malformed', reason: decoded.reason }
    return lease.isSure && !this.#options.hasRecords ? decoded : this.#askRedis(delivery, decoded)
  }

  /** After a freeze, an entry may have another owner, so Redis is asked before a handler starts. No answer counts as no. */
  async isOurs(delivery: Delivery): Promise<boolean> {
    return delivery.lease.isSure || (await this.#actors.confirm(delivery))
  }

  async #askRedis(delivery: Delivery, decoded: DecodedEvent): Promise<Admitted> {
    if (!(await this.isOurs(delivery))) return { result: 'lease-lost' }
    const reason = this.#options.hasRecords ? await this.#takeRecord(delivery, decoded.event.id) : undefined
    return reason ?? decoded
  }

  /** Takes the idempotency record; returns a result when the handler must not run. */
  async #takeRecord(delivery: Delivery, eventId: string): Promise<RunResult | undefined> {
    const { broker, patience, onRefusal } = this.#actors
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
        default:
          return reply satisfies never
      }
    } catch (error) {
      return resultOfRedisError(error, [delivery], onRefusal) ?? { result: 'threw', error }
    }
  }
}
