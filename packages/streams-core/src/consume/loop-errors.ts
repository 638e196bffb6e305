import { RedisUnavailableError } from '../base/errors.ts'
import { isMissingGroup, isRefusal } from '../base/redis-errors.ts'
import type { MembershipBroker } from '../broker/membership.ts'
import type { Tell } from '../tell/report.ts'

/** What an error in a loop leads to: the end of the consumer, a group created again, or one more round. */
export class LoopErrors {
  readonly #group: string
  readonly #broker: MembershipBroker
  readonly #tell: Tell

  constructor(options: { group: string }, actors: { broker: MembershipBroker; tell: Tell }) {
    this.#group = options.group
    this.#broker = actors.broker
    this.#tell = actors.tell
  }

  /**
   * @param failures How many rounds in a row have failed.
   * @throws the error itself when trying again cannot mend it.
   */
  async handle(loop: string, error: unknown, failures: number): Promise<void> {
    if (isRefusal(error)) throw error
    if (isMissingGroup(error)) return this.#rebuildGroup()
    // A lost connection was told by the connection; any other error is told if it is the first of a row.
    if (!(error instanceof RedisUnavailableError) && failures === 1) this.#tell({ kind: 'trouble', where: loop, error })
  }

  /** Creates the group again from its low-water mark: from 0 it would repeat everything, from $ lose entries. */
  async #rebuildGroup(): Promise<void> {
    try {
      const { created, startId, newestId } = await this.#broker.createGroup()
      if (created) this.#tell({ kind: 'group-rebuilt', group: this.#group, startId, newestId })
    } catch (error) {
      if (isRefusal(error)) throw error
      // The next loop that meets the missing group tries again.
    }
  }
}
