import { keptBy, type ParsedRetention } from '../define/retention.ts'
import type { Member } from './member.ts'
import { OLDEST_UNHANDLED } from './scripts/inspect.ts'
import { TIDY } from './scripts/retention.ts'

export interface Tidied {
  trimmed: number
  consumersDeleted: number
  newestId: string
  groups: GroupPosition[]
}

export interface GroupPosition {
  group: string
  /** The group's oldest pending entry, or else the last one that it has read; of a gone group, its low-water mark. */
  neededId: string
  pending: number
}

/** How a stream is kept short, and how a consumer learns which entries its groups have not acknowledged. */
export class UpkeepBroker {
  readonly #member: Member

  constructor(member: Member) {
    this.#member = member
  }

  /** Trims and tidies the stream. `undefined`: another consumer did it just now, or there is no stream. */
  async tidy(retention: ParsedRetention, lockMs: number, consumerIdleMs: number): Promise<Tidied | undefined> {
    const { connection, keys, stream } = this.#member
    const { policy } = retention
    const { keepAtLeast, keepForMs, groups } = keptBy(retention)
    const tidied: Tidied = { trimmed: 0, consumersDeleted: 0, newestId: '0-0', groups: [] }
    for (let from = 1; from > 0; ) {
      const reply = await connection.run(
        TIDY,
        { stream, lock: keys.janitorLock, marks: keys.marks },
        { lockMs, from, policy, keepAtLeast, keepForMs, consumerIdleMs },
        { args: groups },
      )
      if (!reply) return from === 1 ? undefined : tidied
      const [nextFrom, trimmed, deleted, newestId, ...positions] = reply as [
        ...[nextFrom: number, trimmed: number, deleted: number, newestId: string],
        ...[group: string, neededId: string, pending: number][],
      ]
      from = nextFrom
      tidied.trimmed += trimmed
      tidied.consumersDeleted += deleted
      tidied.newestId = newestId
      tidied.groups.push(...positions.map(([group, neededId, pending]) => ({ group, neededId, pending })))
    }
    return tidied
  }

  /** Group → entries that the lossy retention has dropped, so far, before the group had acknowledged them. */
  async droppedUnread(): Promise<Map<string, number>> {
    const flat = await this.#member.connection.send<string[]>(['HGETALL', this.#member.keys.dropped])
    const dropped = new Map<string, number>()
    for (let i = 0; i + 1 < flat.length; i += 2) dropped.set(flat[i] as string, Number(flat[i + 1]))
    return dropped
  }

  /** The oldest entry that some consumer should be working on; `undefined` when there is none. */
  async oldestUnhandled(): Promise<string | undefined> {
    const { connection, stream, group } = this.#member
    return ((await connection.run(OLDEST_UNHANDLED, { stream }, { group })) as string | null) ?? undefined
  }
}
