import { compareIds, idBefore } from '../base/entry-id.ts'
import { keptBy, type ParsedRetention } from '../define/retention.ts'
import type { Connection } from './connection.ts'
import { countEntries } from './count.ts'
import type { Keys } from './keys.ts'
import { TRIM_NOW } from './scripts/trim-now.ts'

/** Why entries stay that are older than the newest one that every group has acknowledged. */
export type HeldBack =
  /** This group has not acknowledged the entries from `neededId` on. */
  | { by: 'group'; group: string; neededId: string; pending: number }
  /** Such a group was deleted by hand less than five minutes ago: it may come back. */
  | { by: 'gone-group'; group: string; neededId: string }
  /** These groups must exist before anything is trimmed (`retention.groups`). */
  | { by: 'missing-groups'; groups: string[] }
  /** The stream has no group: nobody has acknowledged anything. */
  | { by: 'no-group' }
  /** Every group has acknowledged them, and the retention keeps them. */
  | { by: 'keepAtLeast' | 'keepForMs' }

export interface Trimmed {
  /** Entries trimmed; in a dry run, entries that would be. */
  trimmed: number
  /** Entries that the stream holds afterwards; in a dry run, that it holds now. */
  length: number
  /**
   * What holds the rest back; undefined where every group has acknowledged all: at most the newest entry is left, and what
   * was acknowledged while this trimmed.
   */
  heldBack: HeldBack | undefined
}

type Reply = [
  ...[trimmed: number, length: number, newestId: string, needed: string | null, keptFrom: string],
  ...by: (string | number)[],
]

/** Trims a stream at the word of an operator. */
export class TrimBroker {
  readonly #connection: Connection
  readonly #keys: Keys
  readonly #retention: ParsedRetention

  constructor(connection: Connection, keys: Keys, retention: ParsedRetention) {
    this.#connection = connection
    this.#keys = keys
    this.#retention = retention
  }

  /**
   * Trims what may go now, and not what is acknowledged meanwhile: in a busy stream, that would never end.
   * @param onProgress Called after each step: how many entries were trimmed so far.
   */
  async trim(onProgress?: (trimmed: number) => void): Promise<Trimmed> {
    let [trimmed, upTo] = [0, '']
    for (;;) {
      const reply = await this.#call(1, upTo)
      if (reply[0] === 0) return { trimmed, length: reply[1], heldBack: this.#heldBack(reply) }
      trimmed += reply[0]
      onProgress?.(trimmed)
      upTo ||= this.#limit(reply) ?? ''
    }
  }

  /** Counts what `trim` would trim now. */
  async count(): Promise<Trimmed> {
    const reply = await this.#call(0, '')
    const [, length] = reply
    const limit = this.#limit(reply)
    if (limit === null) return { trimmed: 0, length, heldBack: this.#heldBack(reply) }
    const excess = Math.max(0, length - keptBy(this.#retention).keepAtLeast)
    const counting = { after: '0-0', upTo: idBefore(limit), atMost: excess }
    const { count } = await countEntries(this.#connection, this.#keys.stream, counting)
    const trimmed = Math.min(excess, count)
    return { trimmed, length, heldBack: this.#heldBack(reply, trimmed) }
  }

  async #call(trims: 0 | 1, upTo: string): Promise<Reply> {
    const { stream, marks } = this.#keys
    const { keepAtLeast, keepForMs, groups } = keptBy(this.#retention)
    const args = { keepAtLeast, keepForMs, trims, upTo }
    return (await this.#connection.run(TRIM_NOW, { stream, marks }, args, { args: groups })) as Reply
  }

  /** What comes before this id may go, but for `keepAtLeast`; null: nothing may. */
  #limit([, , , needed, keptFrom]: Reply): string | null {
    const { keepForMs } = keptBy(this.#retention)
    return needed !== null && keepForMs > 0 && compareIds(keptFrom, needed) < 0 ? keptFrom : needed
  }

  #heldBack([, length, newestId, needed, keptFrom, ...by]: Reply, stillToTrim = 0): HeldBack | undefined {
    const rest = length - stillToTrim
    if (rest === 0) return undefined
    if (needed === null) {
      return by.length > 0 ? { by: 'missing-groups', groups: by.map(String).sort() } : { by: 'no-group' }
    }
    const { keepAtLeast, keepForMs } = keptBy(this.#retention)
    if (rest <= keepAtLeast) return { by: 'keepAtLeast' }
    if (keepForMs > 0 && compareIds(keptFrom, needed) < 0) return { by: 'keepForMs' }
    const [group, pending, isGone] = by as [string, number, 0 | 1]
    if (pending === 0 && compareIds(needed, newestId) >= 0) return undefined
    return isGone === 1
      ? { by: 'gone-group', group, neededId: needed }
      : { by: 'group', group, neededId: needed, pending }
  }
}
