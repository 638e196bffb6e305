import type { Member } from './member.ts'
import { aloneName, predecessorName } from './pseudo-consumers.ts'
import { ADOPT_KEYS, CREATE_GROUP, DISOWN, FORGET_CONSUMER, RELEASE_REST } from './scripts/membership.ts'

/** How a consumer joins its group and leaves it, and how the group comes into being. */
export class MembershipBroker {
  readonly #member: Member

  constructor(member: Member) {
    this.#member = member
  }

  /**
   * Creates the group, and the stream with it, from its low-water mark, or else the beginning of the stream. A group
   * that exists is left as it is.
   */
  async createGroup(): Promise<{ created: boolean; startId: string; newestId: string }> {
    const { connection, keys, stream, group, consumer, history, due, tally, leaseMs } = this.#member
    await this.#adoptFormerKeys()
    const reply = await connection.run(
      CREATE_GROUP,
      { stream, marks: keys.marks, history, due, tally },
      { group, consumer, leaseMs },
    )
    const [created, startId, newestId] = reply as [number, string, string]
    return { created: created === 1, startId, newestId }
  }

  async #adoptFormerKeys(): Promise<void> {
    const { connection, keys, group } = this.#member
    if (!keys.former) return
    const { plain, keys: old } = keys.former
    const pairs = [
      [old.marks, keys.marks],
      [old.dropped, keys.dropped],
      [old.dead(group), keys.dead(group)],
      [old.history(group), keys.history(group)],
    ]
    await connection.run(ADOPT_KEYS, { plain }, {}, { keys: pairs.flat() })
  }

  /** Moves entries of an earlier process of this name to `~left`; they are claimed at once. */
  async disown(): Promise<void> {
    const { connection, stream, group, consumer, alone } = this.#member
    const predecessor = predecessorName(consumer)
    const args = [consumer, predecessor, alone, aloneName(predecessor)]
    while ((await connection.run(DISOWN, { stream }, { group }, { args })) === 1);
  }

  /** Releases deliveries whose reply was lost. To be called when nothing is held any more. */
  async releaseRest(): Promise<void> {
    const { connection, stream, due, clock, group, consumer, alone, suspect } = this.#member
    const args = { group, consumer, alone, suspect }
    while ((await connection.run(RELEASE_REST, { stream, due, clock }, args)) === 1);
  }

  /** Deletes this consumer's names from the group, unless something is pending under them. */
  async forgetConsumer(): Promise<void> {
    const { connection, stream, tally, group, consumer, alone, crashed, suspect } = this.#member
    const args = [consumer, alone, crashed, suspect]
    await connection.run(FORGET_CONSUMER, { stream, tally }, { group, consumer }, { args })
  }
}
