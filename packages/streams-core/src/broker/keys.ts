/** The pseudo-consumer that owns entries waiting for their next delivery. */
export const RETRY_CONSUMER = '~retry'

/** Owner of what a consumer runs with nothing else in flight: the proof of guilt when the process dies. */
export const aloneName = (consumer: string): string => `${consumer}${ALONE_SUFFIX}`
export const ALONE_SUFFIX = '~alone'

/** Owner of a crash suspect that waits to be run alone: to die under this name is no proof of anything. */
export const suspectName = (consumer: string): string => `${consumer}${SUSPECT_SUFFIX}`
export const SUSPECT_SUFFIX = '~suspect'

/** Words that follow the stream in the keys of no single group; a group may not be called so. */
export const RESERVED_GROUPS = ['dedupe', 'marks', 'dropped', 'lock']

/**
 * Every key of one stream. Keys derived from it share its hash slot (Redis Cluster specification, "hash tags"),
 * which is why scripts may touch several of them.
 */
export class Keys {
  readonly stream: string
  readonly #prefix: string

  constructor(stream: string) {
    this.stream = stream
    this.#prefix = /\{[^}]+\}/.test(stream) ? stream : `{${stream}}`
  }

  /** Hash: group → the id up to which everything is acknowledged, and when (ms) the group was last seen. */
  get marks(): string {
    return `${this.#prefix}:marks`
  }

  /** Hash: group → entries that the lossy retention dropped before the group had acknowledged them. */
  get dropped(): string {
    return `${this.#prefix}:dropped`
  }

  /** String: one janitor at a time. */
  get janitorLock(): string {
    return `${this.#prefix}:lock:janitor`
  }

  /** String: the entry id that an event id was appended under. */
  dedupe(eventId: string): string {
    return `${this.#prefix}:dedupe:${eventId}`
  }

  /** Stream: the dead letters of a group. */
  dead(group: string): string {
    return `${this.#prefix}:${group}:dead`
  }

  /** Hash: entry id → the errors of its failed deliveries so far, one JSON object a line. */
  history(group: string): string {
    return `${this.#prefix}:${group}:history`
  }

  /** The same for Lua's `string.format`, with `%s` for the group. */
  get historyFormat(): string {
    return `${this.#prefix.replaceAll('%', '%%')}:%s:history`
  }

  /** String: one scan for claimable entries at a time in a group; those who are busy have a lock of their own. */
  scanLock(group: string, isBusy: boolean): string {
    return `${this.#prefix}:${group}:scan${isBusy ? ':busy' : ''}`
  }

  /** String: the idempotency record of an event id in a group. */
  guard(group: string, eventId: string): string {
    return `${this.#prefix}:${group}:guard:${eventId}`
  }
}
