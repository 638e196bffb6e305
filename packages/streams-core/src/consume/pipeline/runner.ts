import type { Patience } from '../../base/patience.ts'
import { isRefusal, isTemporary } from '../../base/redis-errors.ts'
import type { SettleBroker } from '../../broker/settle.ts'
import type { Handler, Handlers } from '../../define/handler.ts'
import type { RunResult } from '../../define/outcome.ts'
import type { Catalog, StreamEvent } from '../../define/stream.ts'
import { resultOfThrown } from '../../define/verbs.ts'
import { Commit } from './commit.ts'
import type { Delivery } from './delivery.ts'
import { DeliveryContext } from './delivery-context.ts'

export interface RunnerOptions {
  group: string
  consumer: string
  /** Whether there are idempotency records. */
  hasRecords: boolean
}

export interface RunnerActors {
  broker: SettleBroker
  patience: Patience
  /** Asks Redis whether a lease that may be over is still ours, and extends it. */
  confirm: (delivery: Delivery) => Promise<boolean>
  /** Called when Redis refuses for good: ends the consumer. */
  onRefusal: (error: unknown) => void
}

type Admitted = { event: StreamEvent } | RunResult

const RETURNED: RunResult = { result: 'returned' }

/**
 * Runs the handler of one delivery, unless there is a reason not to, and says how it went. Two writes belong to the run
 * and cannot wait for the outcome: taking the idempotency record before it, and the handler's own `commit` within it.
 */
export class Runner {
  readonly #options: RunnerOptions
  readonly #handlers: Handlers<Catalog>
  readonly #actors: RunnerActors

  constructor(options: RunnerOptions, handlers: Handlers<Catalog>, actors: RunnerActors) {
    this.#options = options
    this.#handlers = handlers
    this.#actors = actors
  }

  /** Never rejects. */
  async run(delivery: Delivery): Promise<RunResult> {
    const admitted = await this.#admit(delivery)
    if ('result' in admitted) return admitted
    const { event } = admitted
    const handler = this.#handlers[event.type] as Handler<Catalog, string>
    const context = new DeliveryContext(delivery, event.id, this.#options, this.#newCommit)
    let result = RETURNED
    try {
      await handler(event, context)
    } catch (error) {
      result = resultOfThrown(error)
    }
    return context.committed ?? (delivery.lease.isLost ? { result: 'lease-lost' } : result)
  }

  /** The event, if its handler is to run; otherwise why not. A promise only where Redis has to be asked. */
  #admit(delivery: Delivery): Admitted | Promise<Admitted> {
    // Without decoding the entry: its schema may have been what killed the process.
    if (delivery.kind === 'crashed') return { result: 'crashed' }
    const { redrive, decoded, lease } = delivery
    if (!decoded) return { result: 'deleted' }
    if (redrive && redrive.group !== this.#options.group) return { result: 'not-ours' }
    if (!decoded.ok) return { result: 'malformed', reason: decoded.reason }
    return lease.isSure && !this.#options.hasRecords ? decoded : this.#askRedis(delivery, decoded)
  }

  async #askRedis(delivery: Delivery, decoded: { event: StreamEvent }): Promise<Admitted> {
    // After a freeze, an entry that waited in the buffer may have another owner: ask before the handler starts.
    if (!delivery.lease.isSure && !(await this.#actors.confirm(delivery))) return { result: 'lease-lost' }
    const reason = this.#options.hasRecords ? await this.#takeRecord(delivery, decoded.event.id) : undefined
    return reason ?? decoded
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
        default:
          return reply satisfies never
      }
    } catch (error) {
      return this.#resultOfRedisError(delivery, error) ?? { result: 'threw', error }
    }
  }

  readonly #newCommit = (delivery: Delivery): Commit => {
    const { broker, patience } = this.#actors
    return new Commit(
      delivery,
      (commands) => patience.persist(() => broker.commit(delivery, commands), delivery.lease.signal),
      (error) => this.#resultOfRedisError(delivery, error),
    )
  }

  /**
   * The result for an error that is not the event's fault: the lease is lost, an outage lasts until the handler's
   * signal fires, or Redis refuses for good, which ends the consumer. Undefined for any other error.
   */
  #resultOfRedisError(delivery: Delivery, error: unknown): RunResult | undefined {
    if (delivery.lease.isLost) return { result: 'lease-lost' }
    if (isRefusal(error)) this.#actors.onRefusal(error)
    return isRefusal(error) || isTemporary(error) ? { result: 'unserved' } : undefined
  }
}
