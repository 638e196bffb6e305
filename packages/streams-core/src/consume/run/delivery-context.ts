import type { Context } from '../../define/handler.ts'
import type { Delivery } from '../delivery/delivery.ts'
import { type Commands, Commit, type CommitActors } from './commit.ts'

/** Not a private field: an object that inherits from a context, or a Proxy, has none. */
const DELIVERY = Symbol('delivery')

/**
 * What the handler of one delivery is given besides the event. `signal` is a property of its own, so that a copy made
 * by spreading has a signal, too. One descriptor for all: a getter in an object literal takes about five times as long,
 * a twentieth of what an event with an instant handler takes in all.
 */
export class DeliveryContext implements Context {
  readonly entryId: string
  readonly group: string
  readonly consumer: string
  declare readonly signal: AbortSignal
  readonly attempt: number
  readonly idempotencyKey: string
  readonly commit: Context['commit']
  readonly [DELIVERY]: Delivery
  /** Created on demand: most handlers never commit. */
  #commit: Commit | undefined

  static readonly #signal: PropertyDescriptor & ThisType<DeliveryContext> = {
    enumerable: true,
    get() {
      return this[DELIVERY].lease.signal
    },
  }

  constructor(delivery: Delivery, eventId: string, who: { group: string; consumer: string }, actors: CommitActors) {
    this[DELIVERY] = delivery
    Object.defineProperty(this, 'signal', DeliveryContext.#signal)
    this.entryId = delivery.entryId
    this.group = who.group
    this.consumer = who.consumer
    this.attempt = delivery.attempt
    this.idempotencyKey = `${who.group}:${eventId}`
    this.commit = (commands: Commands) => {
      this.#commit ??= new Commit(actors)
      return this.#commit.run([delivery], commands, delivery.lease.signal)
    }
  }
}
