import { span } from './words.ts'

/** Every error of this library has a stable `code`, so that callers can branch without comparing texts. */
export class StreamsError extends Error {
  readonly code: string

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = new.target.name
    this.code = code
  }
}

/** An option is out of range, unknown or in conflict with another. Thrown before anything is started. */
export class InvalidOptionError extends StreamsError {
  constructor(message: string) {
    super('INVALID_OPTION', message)
  }
}

/** `publish` was given an event that its schema refuses. Nothing was appended. */
export class InvalidEventError extends StreamsError {
  /** Where in `data` the first problem is, e.g. `['items', 0, 'price']`; empty when it is not in `data`. */
  readonly path: readonly PropertyKey[]

  constructor(message: string, path: readonly PropertyKey[] = []) {
    super('INVALID_EVENT', message)
    this.path = path
  }
}

/** The event was not appended by its deadline. `outcome` says whether Redis may still have it. */
export class PublishTimeoutError extends StreamsError {
  /**
   * `not-sent`: nothing reached Redis. `unknown`: the event was on its way when the time ran out;
   * publishing the same event id again is safe within the deduplication window.
   */
  readonly outcome: 'not-sent' | 'unknown'

  constructor(outcome: 'not-sent' | 'unknown', timeoutMs: number, cause?: unknown) {
    const why = cause === undefined ? '' : `: ${messageOf(cause)}`
    super('PUBLISH_TIMEOUT', `event was not appended within ${timeoutMs} ms (${outcome})${why}`, { cause })
    this.outcome = outcome
  }
}

/** Too many events wait for Redis already. The event was not accepted; slow down and publish it again. */
export class PublishBufferFullError extends StreamsError {
  constructor(maxBuffered: number) {
    super('PUBLISH_BUFFER_FULL', `${maxBuffered} events are waiting to be appended already (maxBuffered)`)
  }
}

/** The stream is at its cap, and no entry may be trimmed yet. Nothing was appended or dropped. */
export class StreamFullError extends StreamsError {
  readonly length: number
  readonly maxLength: number

  constructor(length: number, maxLength: number) {
    super('STREAM_FULL', `the stream holds ${length} entries, and none may be trimmed yet (maxLength ${maxLength})`)
    this.length = length
    this.maxLength = maxLength
  }
}

/** `publish` was called after `close`. Nothing was appended. */
export class ProducerClosedError extends StreamsError {
  constructor() {
    super('PRODUCER_CLOSED', 'the producer is closed')
  }
}

/** The stream has no group of this name. */
export class NoSuchGroupError extends StreamsError {
  constructor(stream: string, group: string) {
    super('NO_SUCH_GROUP', `the stream ${stream} has no group ${group}`)
  }
}

/** The delivery is no longer this consumer's: nothing more may be written for it. */
export class LeaseLostError extends StreamsError {
  constructor(entryId: string) {
    super('LEASE_LOST', `the lease of entry ${entryId} is lost`)
  }
}

/**
 * A command of `commit` failed, and the event was not acknowledged. When other commands had been applied before it, the
 * event goes to the dead letters, so that they are not repeated; when none had, this is an error like any other.
 */
export class CommitError extends StreamsError {
  /** How many commands had been applied. */
  readonly applied: number

  /** @param command Name of the command that failed. */
  constructor(message: string, applied: number, command = 'unknown') {
    super('COMMIT_FAILED', `commit: command ${applied + 1} (${command}) failed: ${message}`)
    this.applied = applied
  }
}

/**
 * A group cannot be set to another position or deleted, because consumers of it are at work: they would go on with what
 * they hold. Nothing was written.
 */
export class GroupAtWorkError extends StreamsError {
  readonly group: string
  /** Names of the consumers that have given a sign of life. Empty: somebody has, and Redis does not tell its name. */
  readonly consumers: readonly string[]
  /** After so many milliseconds without a further sign of life the group counts as left. */
  readonly freeInMs: number

  constructor(group: string, consumers: readonly string[], freeInMs: number) {
    const names = consumers.length > 0 ? consumers.join(', ') : 'a consumer that is not named, or has just ended'
    const until = `it counts as left once none of them has given a sign of life for ${span(freeInMs)} more`
    super('GROUP_AT_WORK', `group ${group} is at work: ${names}. Stop its consumers; ${until}`)
    this.group = group
    this.consumers = consumers
    this.freeInMs = freeInMs
  }
}

/** Redis cannot be reached, or the connection was lost. Every loop waits and tries again. */
export class RedisUnavailableError extends StreamsError {
  /** True when the command had been sent: it may have run, although its reply never came. */
  readonly mayHaveRun: boolean

  constructor(message: string, options: ErrorOptions & { mayHaveRun?: boolean } = {}) {
    super('REDIS_UNAVAILABLE', message, options)
    this.mayHaveRun = options.mayHaveRun ?? false
  }
}

/**
 * Redis answers, and refuses for good: wrong password, a key of another type, a server that is too old. Trying again
 * cannot help.
 */
export class RedisRefusedError extends StreamsError {
  constructor(message: string, options?: ErrorOptions) {
    super('REDIS_REFUSED', message, options)
  }
}

/** Longer texts are cut: an error of somebody else's may quote whole documents. */
const MAX_MESSAGE_LENGTH = 1_000
/** User and password in a URL. */
const CREDENTIALS = /\/\/[^@/\s]*@/g

/**
 * The text of whatever was thrown, fit to be told: cut down, and without credentials. Anything can be thrown, and this
 * function itself never throws.
 */
export function messageOf(error: unknown): string {
  try {
    const text = String(error instanceof Error ? error.message : error)
    return (text.length > MAX_MESSAGE_LENGTH ? `${text.slice(0, MAX_MESSAGE_LENGTH)}…` : text).replace(
      CREDENTIALS,
      '//…@',
    )
  } catch {
    return 'an error without a text'
  }
}
