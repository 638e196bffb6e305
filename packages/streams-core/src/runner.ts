import type { Argument } from './broker/connection.ts'
import type { CommitReply, GroupBroker } from './broker/group.ts'
import type { Run } from './decide.ts'
import type { Delivery } from './delivery.ts'
import { type Decoded, decode, fieldOf, REDRIVE_FOR } from './entry.ts'
import { CommitError, isPassing, isRefusal, LeaseLostError, StreamsError } from './errors.ts'
import type { Context, Handler, Handlers } from './handler.ts'
import type { Patience } from './patience.ts'
import type { Catalog, StreamDefinition } from './stream.ts'

export interface RunnerOptions {
  stream: StreamDefinition
  group: string
  consumer: string
  maxEventBytes: number
  /** Undefined: handlers are not guarded. */
  guardTtlMs: number | undefined
}

/** Takes one delivery through its handler, and classifies how it went. Writes nothing but the idempotency record. */
export class Runner {
  readonly #options: RunnerOptions
  readonly #handlers: Handlers<Catalog>
  readonly #broker: GroupBroker
  readonly #patience: Patience
  readonly #refuse: (error: unknown) => void

  /** @param actors.refuse Told what Redis will never take. */
  constructor(
    options: RunnerOptions,
    handlers: Handlers<Catalog>,
    actors: { broker: GroupBroker; patience: Patience; refuse: (error: unknown) => void },
  ) {
    this.#options = options
    this.#handlers = handlers
    this.#broker = actors.broker
    this.#patience = actors.patience
    this.#refuse = actors.refuse
  }

  decode(delivery: Delivery): Decoded | undefined {
    return delivery.fields && decode(this.#options.stream.catalog, delivery.fields, this.#options.maxEventBytes)
  }

  async run(delivery: Delivery, decoded: Decoded | undefined): Promise<Run> {
    if (!decoded) return { result: 'deleted' }
    if (delivery.kind === 'crashed') return { result: 'crashed' }
    const redriveFor = fieldOf(delivery.fields ?? [], REDRIVE_FOR)
    if (redriveFor !== undefined && redriveFor !== this.#options.group) return { result: 'not-ours' }
    if (!decoded.ok) return { result: 'malformed', reason: decoded.reason }
    // After a freeze, what waited in the buffer may have found another owner: ask before it is started.
    if (!delivery.lease.isSure && !(await this.#isStillOurs(delivery))) return { result: 'lease-lost' }
    const otherwise = this.#options.guardTtlMs !== undefined && (await this.#guard(delivery, decoded.event.id))
    return otherwise || this.#handle(delivery, decoded.event)
  }

  /** Takes the idempotency record; or says what the delivery comes to without it. */
  async #guard(delivery: Delivery, eventId: string): Promise<Run | undefined> {
    const { lease } = delivery
    try {
      const guard = await this.#patience.persist(() => this.#broker.guard(delivery, eventId), lease.signal)
      if (guard === 'done') return { result: 'handled-before' }
      if (guard === 'elsewhere') return { result: 'handled-elsewhere' }
      return undefined
    } catch (error) {
      return this.#unserved(delivery, error) ?? { result: 'threw', error }
    }
  }

  /** What is not the event's fault: an outage that outlasts the consumer, or a refusal, which ends it. */
  #unserved(delivery: Delivery, error: unknown): Run | undefined {
    if (delivery.lease.isLost) return { result: 'lease-lost' }
    if (isRefusal(error)) this.#refuse(error)
    return isRefusal(error) || isPassing(error) ? { result: 'unserved' } : undefined
  }

  /** Without an answer the entry is abandoned: whoever may have it then, claims it. */
  async #isStillOurs(delivery: Delivery): Promise<boolean> {
    if (delivery.lease.isLost) return false
    const lost = await this.#broker.extend([delivery]).catch(() => [delivery])
    return lost.length === 0
  }

  async #handle(delivery: Delivery, event: Extract<Decoded, { ok: true }>['event']): Promise<Run> {
    const guardTtlMs = this.#options.guardTtlMs ?? 0
    const write = (commands: Commands) =>
      this.#patience.persist(() => this.#broker.commit(delivery, commands, guardTtlMs), delivery.lease.signal)
    const commit = new Commit(delivery, write, (error) => this.#unserved(delivery, error))
    const { group, consumer } = this.#options
    const context: Context = {
      get signal() {
        return delivery.lease.signal
      },
      entryId: delivery.entryId,
      group,
      consumer,
      attempt: delivery.attempt,
      idempotencyKey: `${group}:${event.id}`,
      commit: (commands) => commit.run(commands),
    }
    const handler = this.#handlers[event.type] as Handler<Catalog, string>
    try {
      await handler(event, context)
      return commit.result ?? { result: delivery.lease.isLost ? 'lease-lost' : 'returned' }
    } catch (error) {
      return commit.result ?? (delivery.lease.isLost ? { result: 'lease-lost' } : { result: 'threw', error })
    }
  }
}

type Commands = readonly (readonly Argument[])[]

/** A handler's one chance to write to Redis together with the acknowledgement. */
class Commit {
  readonly #delivery: Delivery
  readonly #write: (commands: Commands) => Promise<CommitReply>
  readonly #unserved: (error: unknown) => Run | undefined
  #isCalled = false
  /** Set once it has settled how the delivery went, whatever the handler does afterwards. */
  result: Run | undefined

  /** @param write Outlasts outages: if an attempt had run without an answer, the next one finds out. */
  constructor(
    delivery: Delivery,
    write: (commands: Commands) => Promise<CommitReply>,
    unserved: (error: unknown) => Run | undefined,
  ) {
    this.#delivery = delivery
    this.#write = write
    this.#unserved = unserved
  }

  async run(commands: Commands): Promise<unknown[]> {
    if (this.#isCalled) throw new StreamsError('COMMITTED_BEFORE', 'commit was called before in this handler')
    this.#isCalled = true
    const { entryId, lease } = this.#delivery
    const reply = await this.#write(commands).catch((error: unknown) => {
      this.result = this.#unserved(error)
      throw error
    })
    switch (reply.status) {
      case 'committed':
        this.result = { result: 'committed' }
        lease.isOver = true
        return reply.replies
      case 'lost':
        this.result = { result: 'lease-lost' }
        lease.lose()
        throw new LeaseLostError(entryId)
      case 'failed': {
        const error = new CommitError(reply.message, reply.applied)
        if (reply.applied > 0) this.result = { result: 'commit-failed', error }
        throw error
      }
      default:
        return reply satisfies never
    }
  }
}
