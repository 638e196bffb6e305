import { keyPrefixOf, plainNameOf, type ReservedWord } from '../define/names.ts'

/** What kind of value a key holds, as Redis' command TYPE names it. */
export type KeyType = 'stream' | 'hash' | 'string' | 'zset'

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

  /** String: which of the two buckets is the current one, and until when their event ids are needed. */
  get dedupe(): string {
    return this.#shared('dedupe')
  }

  /** Hash: event id → the entry id that it was appended under. */
  dedupeBucket(place: 0 | 1): string {
    return `${this.#shared('dedupe')}-${place}`
  }

  /** Stream: the dead letters of a group. */
  dead(group: string): string {
    return `${this.#prefix}:${group}:dead`
  }

  /** Hash: entry id → the errors of its failed deliveries so far. */
  history(group: string): string {
    return `${this.#prefix}:${group}:history`
  }

  /** Sorted set: parked entry → when it is due, in the time of the group. An index of what `~retry` owns. */
  due(group: string): string {
    return `${this.#prefix}:${group}:due`
  }

  /** String: where the scan that completes that index goes on. */
  dueScan(group: string): string {
    return `${this.#prefix}:${group}:due:scan`
  }

  /** String: the time of the group (ms) when it was last looked at, and how far that is ahead of Redis' clock. */
  clock(group: string): string {
    return `${this.#prefix}:${group}:clock`
  }

  /** Hash: after which id an operator has put the group last, and when (ms). */
  lastStart(group: string): string {
    return `${this.#prefix}:${group}:last-start`
  }

  /** Hash: what controls a group from outside: pauses, limit, circuit. */
  controls(group: string): string {
    return `${this.#prefix}:${group}:controls`
  }

  /** Sorted set: the handler starts of a group with a limit, in the last second and soon, each with its latest time. */
  starts(group: string): string {
    return `${this.#prefix}:${group}:starts`
  }

  /** Hash: what is counted and told for those who look at a group: deliveries that failed, and the leases of its consumers. */
  tally(group: string): string {
    return `${this.#prefix}:${group}:tally`
  }

  /** Stream: the last entries that were taken over from consumers whose lease was over, by whom and from whom. */
  takeovers(group: string): string {
    return `${this.#prefix}:${group}:takeovers`
  }

  /** Hash: entry id → which attempt of it this consumer runs, since when (ms), and when that was noted (ms). Expires. */
  runs(group: string, consumer: string): string {
    return `${this.#prefix}:${group}:runs:${consumer}`
  }

  /**
   * Every key that belongs to one group alone, without its idempotency records and what each of its consumers runs: those
   * have names that nobody knows, and expire by themselves.
   */
  groupKeys(group: string): string[] {
    return this.groupTypes(group).map(([key]) => key)
  }

  /** The same keys, each with its type. */
  groupTypes(group: string): [key: string, type: KeyType][] {
    return [
      [this.dead(group), 'stream'],
      [this.history(group), 'hash'],
      [this.due(group), 'zset'],
      [this.dueScan(group), 'string'],
      [this.clock(group), 'string'],
      [this.lastStart(group), 'hash'],
      [this.controls(group), 'hash'],
      [this.starts(group), 'zset'],
      [this.tally(group), 'hash'],
      [this.takeovers(group), 'stream'],
      [this.scanLock(group, false), 'string'],
      [this.scanLock(group, true), 'string'],
    ]
  }

  /** The keys that belong to no single group, each with its type. */
  sharedTypes(): [key: string, type: KeyType][] {
    return [
      [this.stream, 'stream'],
      [this.marks, 'hash'],
      [this.dropped, 'hash'],
      [this.janitorLock, 'string'],
      [this.dedupe, 'string'],
      [this.dedupeBucket(0), 'hash'],
      [this.dedupeBucket(1), 'hash'],
    ]
  }

  /** What the keys of a group begin with, as a format for Lua's `string.format`: `%s` stands for the group. */
  get groupFormat(): string {
    return `${this.#prefix.replaceAll('%', '%%')}:%s:`
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
