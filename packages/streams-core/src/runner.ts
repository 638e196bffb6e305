import type { Argument } from './broker/connection.ts'
import type { CommitReply, GroupBroker } from './broker/group.ts'
import type { Run } from './decide.ts'
import type { Delivery } from './delivery.ts'
import { type Decoded, decode, fieldOf, REDRIVE_FOR } from './entry.ts'
import { CommitError, isPassing, isRefusal, LeaseLostError, StreamsError } from './errors.ts'
import type { Context, Handler, Handlers } from './handler.ts'
import { backoffMs, never, sleep } from './loop.ts'
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
  readonly #refuse: (error: unknown) => void

  /** @param actors.refuse Told what Redis will never take. */
  constructor(
    options: RunnerOptions,
    handlers: Handlers<Catalog>,
    actors: { broker: GroupBroker; refuse: (error: unknown) => void },
  ) {
    this.#options = options
    this.#handlers = handlers
    this.#broker = actors.broker
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
    if (this.#options.guardTtlMs !== undefined) {
      // Without an answer nothing is started, and nothing is the event's fault.
      const guard = await this.#broker.guard(delivery, decoded.event.id).catch((error: unknown) => {
        if (isRefusal(error)) this.#refuse(error)
        return undefined
      })
      if (guard === undefined) return { result: 'unguarded' }
      if (guard === 'done') return { result: 'handled-before' }
      if (guard === 'elsewhere') return { result: 'handled-elsewhere' }
    }
    return this.#handle(delivery, decoded.event)
  }

  /** Without an answer the entry is abandoned: whoever may have it then, claims it. */
  async #isStillOurs(delivery: Delivery): Promise<boolean> {
    if (delivery.lease.isLost) return false
    const lost = await this.#broker.extend([delivery]).catch(() => [delivery])
    return lost.length === 0
  }

  async #handle(delivery: Delivery, event: Extract<Decoded, { ok: true }>['event']): Promise<Run> {
    const commit = new Commit(delivery, this.#broker, this.#options.guardTtlMs ?? 0)
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

/** A handler's one chance to write to Redis together with the acknowledgement. */
class Commit {
  readonly #delivery: Delivery
  readonly #broker: GroupBroker
  readonly #guardTtlMs: number
  #isCalled = false
  /** Set once it has settled how the delivery went, whatever the handler does afterwards. */
  result: Run | undefined

  constructor(delivery: Delivery, broker: GroupBroker, guardTtlMs: number) {
    this.#delivery = delivery
    this.#broker = broker
    this.#guardTtlMs = guardTtlMs
  }

  async run(commands: readonly (readonly Argument[])[]): Promise<unknown[]> {
    if (this.#isCalled) throw new StreamsError('COMMITTED_BEFORE', 'commit was called before in this handler')
    this.#isCalled = true
    const reply = await this.#commit(commands)
    switch (reply.status) {
      case 'committed':
        this.result = { result: 'committed' }
        return reply.replies
      case 'lost':
        this.result = { result: 'lease-lost' }
        this.#delivery.lease.lose()
        throw new LeaseLostError(this.#delivery.entryId)
      case 'failed': {
        const error = new CommitError(reply.message, reply.applied)
        if (reply.applied > 0) this.result = { result: 'commit-failed', error }
        throw error
      }
      default:
        return reply satisfies never
    }
  }

  /** An outage is not the event's fault: tried again while the lease is sure. If it had run, the next try finds out. */
  async #commit(commands: readonly (readonly Argument[])[]): Promise<CommitReply> {
    for (let failures = 1; ; failures += 1) {
      try {
        return await this.#broker.commit(this.#delivery, commands, this.#guardTtlMs)
      } catch (error) {
        if (!isPassing(error) || !this.#delivery.lease.isSure) throw error
        await sleep(backoffMs(failures), never)
      }
    }
  }
}
