import { CommitError, LeaseLostError, StreamsError } from '../../base/errors.ts'
import type { Patience } from '../../base/patience.ts'
import type { SettleBroker } from '../../broker/settle.ts'
import type { RunResult } from '../../define/outcome.ts'
import type { Argument } from '../../define/redis-options.ts'
import type { Delivery } from '../delivery/delivery.ts'
import { resultOfRedisError } from './redis-faults.ts'

/** Redis' Lua unpacks at most about 8,000 values. */
const MAX_WORDS = 7_000

export type Commands = readonly (readonly Argument[])[]

export interface CommitActors {
  broker: SettleBroker
  patience: Patience
  /** Called when Redis refuses for good: ends the consumer. */
  onRefusal: (error: unknown) => void
}

/** A handler's one chance to write to Redis together with the acknowledgement of its deliveries. */
export class Commit {
  readonly #actors: CommitActors
  /**
   * Set once `commit` has decided the result of its deliveries, whatever the handler does afterwards. If it is
   * `lease-lost`, that is the result of those whose lease is lost; nothing is written for the others either.
   */
  result: RunResult | undefined
  /** Resolves once it is certain what has become of the commit; undefined until it is called. Never rejects. */
  ended: Promise<void> | undefined

  constructor(actors: CommitActors) {
    this.#actors = actors
  }

  get isCalled(): boolean {
    return this.ended !== undefined
  }

  /**
   * Tries until Redis answers, or the signal fires. If a try took effect and its reply was lost, all deliveries are lost
   * to the next try.
   */
  async run(deliveries: readonly Delivery[], commands: Commands, signal: AbortSignal): Promise<unknown[]> {
    if (this.isCalled) throw new StreamsError('COMMITTED_BEFORE', 'commit was called before in this handler')
    const replies = this.#run(deliveries, commands, signal)
    const done = () => {
      for (const delivery of deliveries) delivery.committing = undefined
    }
    this.ended = replies.then(done, done)
    for (const delivery of deliveries) delivery.committing = this.ended
    return replies
  }

  async #run(deliveries: readonly Delivery[], commands: Commands, signal: AbortSignal): Promise<unknown[]> {
    const tooLong = commands.find(({ length }) => length > MAX_WORDS)
    // Before anything is written: within the script it would be met after the commands before it have run.
    if (tooLong)
      throw new CommitError(`it has ${tooLong.length} words, at most ${MAX_WORDS} are allowed`, 0, String(tooLong[0]))
    const { broker, patience, onRefusal } = this.#actors
    const write = () => broker.commit(deliveries, commands)
    const reply = await patience.persist(write, signal).catch((error: unknown) => {
      const result = resultOfRedisError(error, deliveries, onRefusal)
      if (result) this.#decide(result, deliveries)
      throw error
    })
    switch (reply.status) {
      case 'committed':
        this.#decide({ result: 'committed' }, deliveries)
        return reply.replies
      case 'lost': {
        // Not decided: of a batch, only some are lost.
        this.result = { result: 'lease-lost' }
        const lost = new Set(reply.entryIds)
        for (const { entryId, lease } of deliveries) if (lost.has(entryId)) lease.lose()
        throw new LeaseLostError(reply.entryIds.join(', '))
      }
      case 'failed': {
        const error = new CommitError(reply.message, reply.applied, String(commands[reply.applied]?.[0]))
        if (reply.applied > 0) this.#decide({ result: 'commit-failed', error }, deliveries)
        throw error
      }
      default:
        return reply satisfies never
    }
  }

  #decide(result: RunResult, deliveries: readonly Delivery[]): void {
    this.result = result
    for (const delivery of deliveries) delivery.decided = result
  }
}
