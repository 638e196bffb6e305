import { CommitError, LeaseLostError, StreamsError } from '../../base/errors.ts'
import type { CommitReply } from '../../broker/settle.ts'
import type { RunResult } from '../../define/outcome.ts'
import type { Argument } from '../../define/redis-options.ts'
import type { Delivery } from './delivery.ts'

export type Commands = readonly (readonly Argument[])[]

/** A handler's one chance to write to Redis together with the acknowledgement. */
export class Commit {
  readonly #delivery: Delivery
  readonly #write: (commands: Commands) => Promise<CommitReply>
  readonly #resultOfError: (error: unknown) => RunResult | undefined
  #isCalled = false
  /** Set once `commit` has decided the result, whatever the handler does afterwards. */
  result: RunResult | undefined

  /**
   * @param write Tries until Redis answers. If a try took effect and its reply was lost, the next try gets `lost`.
   * @param resultOfError The result for an error of `write` that is not the event's fault.
   */
  constructor(
    delivery: Delivery,
    write: (commands: Commands) => Promise<CommitReply>,
    resultOfError: (error: unknown) => RunResult | undefined,
  ) {
    this.#delivery = delivery
    this.#write = write
    this.#resultOfError = resultOfError
  }

  async run(commands: Commands): Promise<unknown[]> {
    if (this.#isCalled) throw new StreamsError('COMMITTED_BEFORE', 'commit was called before in this handler')
    this.#isCalled = true
    const { entryId, lease } = this.#delivery
    const reply = await this.#write(commands).catch((error: unknown) => {
      this.result = this.#resultOfError(error)
      throw error
    })
    switch (reply.status) {
      case 'committed':
        this.result = { result: 'committed' }
        lease.isSettled = true
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
