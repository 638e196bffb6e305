import { keyPrefixOf, plainNameOf, type ReservedWord } from '../define/names.ts'

/**
 * Every key of one stream. Keys derived from it share its hash slot (Redis Cluster specification, "hash tags"),
 * which is why scripts may touch several of them.
 */
export class Keys {
  readonly stream: string
  readonly #prefix: string

  constructor(stream: string) {
    this.stream = stream
    this.#prefix = keyPrefixOf(stream)
  }

  /**
   * For a stream `{x}`: the keys that an older version derived from it, which were those of `x`. Undefined for others.
   */
  get former(): { plain: string; keys: Keys } | undefined {
    const plain = plainNameOf(this.stream)
    return plain === undefined ? undefined : { plain, keys: new Keys(plain) }
  }

  /** Hash: group → its low-water mark, and when (ms) the group was last seen. */
  get marks(): string {
    return this.#shared('marks')
  }

  /** Hash: group → entries that the lossy retention dropped before the group had acknowledged them. */
  get dropped(): string {
    return this.#shared('dropped')
  }

  /** String: one janitor at a time. */
  get janitorLock(): string {
    return `${this.#shared('lock')}:janitor`
  }

  /** String: the entry id that an event id was appended under. */
  dedupe(eventId: string): string {
    return `${this.#shared('dedupe')}:${eventId}`
  }

  /** Stream: the dead letters of a group. */
  dead(group: string): string {
    return `${this.#prefix}:${group}:dead`
  }

  /** Hash: entry id → the errors of its failed deliveries so far. */
  history(group: string): string {
    return `${this.#prefix}:${group}:history`
  }

  /** The key of a group's history as a format for Lua's `string.format`: `%s` stands for the group. */
  get historyFormat(): string {
    return `${this.#prefix.replaceAll('%', '%%')}:%s:history`
  }

  /** String: one scan for claimable entries at a time in a group; busy consumers have a lock of their own. */
  scanLock(group: string, isBusy: boolean): string {
    return `${this.#prefix}:${group}:scan${isBusy ? ':busy' : ''}`
  }

  /** String: the idempotency record of an event id in a group. */
  idempotencyRecord(group: string, eventId: string): string {
    return `${this.#prefix}:${group}:guard:${eventId}`
  }

  #shared(word: ReservedWord): string {
    return `${this.#prefix}:${word}`
  }
}
