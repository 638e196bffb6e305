import { ErrorReply } from 'redis'
import { now } from '../base/clock.ts'
import { Condition } from '../base/condition.ts'
import { messageOf, RedisRefusedError, RedisUnavailableError } from '../base/errors.ts'
import { backoffMs, neverAborted, sleep } from '../base/loop.ts'
import { isBadCredentials, isMissingRight, isRefusal } from '../base/redis-errors.ts'
import type { Argument, RedisOptions } from '../define/redis-options.ts'
import { explainRefusal } from './connect-errors.ts'
import { type More, type Script, wordsOf } from './script.ts'
import type { ServerInfo } from './server.ts'
import { openSession, replyTimeoutFor, type Session } from './session.ts'

export type ConnectionState = 'connected' | 'lost'

export interface ConnectionOptions {
  redis: RedisOptions
  /** Shown by CLIENT LIST. */
  name: string
  /** The time within which the caller needs its replies, a second try included. Milliseconds. Default: no such time. */
  deadlineMs?: number
  /** For how long refusals without a break may pass, where `redis` is a function. Milliseconds. Default 60,000. */
  patienceMs?: number
  /** Called once per change, never per try. */
  onState?: (state: ConnectionState, cause?: Error) => void
  /** Called after each connect. */
  onServer?: (server: ServerInfo) => void
}

const PATIENCE_MS = 60_000
/** Only a session that is longer than this resets the count of failures. */
const STABLE_MS = 5_000

/**
 * One connection that heals itself. A command either goes out now or fails now, a late reply destroys the socket (a
 * half-open socket would never answer), and a fresh client takes the place of the old one.
 */
export class Connection {
  readonly #options: ConnectionOptions
  readonly #closing = new AbortController()
  readonly #finished: Promise<void>
  readonly #changed = new Condition()
  #session: Session | undefined
  #refused: RedisRefusedError | undefined
  #lastFailure: Error | undefined
  #failures = 0
  #refusedSince: number | undefined
  #state: ConnectionState | undefined
  #mayUnblock = true
  /** A reply that is later than this means a dead socket: the socket is destroyed and a new one opened. */
  readonly replyTimeoutMs: number

  constructor(options: ConnectionOptions) {
    this.#options = options
    this.replyTimeoutMs = replyTimeoutFor(options.deadlineMs)
    this.#finished = this.#keepConnected()
  }

  /** What the server said of itself when the connection was made; undefined while there is none. */
  get server(): ServerInfo | undefined {
    return this.#session?.server
  }

  /** Why there is no connection, while there is none. */
  get problem(): Error | undefined {
    return this.#session ? undefined : (this.#refused ?? this.#lastFailure)
  }

  /**
   * Resolves once commands can be sent, or when the signal is aborted; waits for Redis as long as it takes.
   * @throws {RedisRefusedError} when Redis refuses for good.
   */
  async ready(signal: AbortSignal = neverAborted): Promise<void> {
    const isDecided = () => Boolean(this.#session ?? this.#refused) || this.#closing.signal.aborted
    await this.#changed.wait(isDecided, signal)
    if (this.#session) return
    if (this.#refused) throw this.#refused
    if (this.#closing.signal.aborted) throw new RedisUnavailableError('closed')
  }

  /**
   * Sends one command.
   * @throws {RedisUnavailableError} when there is no connection, or when it is lost before the reply: then the command
   * may have run.
   * @throws {RedisRefusedError} when Redis refuses for good.
   */
  async send<T = unknown>(args: readonly Argument[], replyTimeoutMs = this.replyTimeoutMs): Promise<T> {
    const session = this.#session
    if (!session) {
      throw this.#refused ?? new RedisUnavailableError(`not connected: ${messageOf(this.#lastFailure ?? 'not yet')}`)
    }
    try {
      return await session.send<T>(args.map(String), replyTimeoutMs)
    } catch (error) {
      throw this.#handleError(error, session)
    }
  }

  /**
   * Ends the blocking command of another connection as if its time were up; nothing can be lost by it. Without the
   * right to do so this does nothing, and the other command ends when its time is up.
   */
  async unblock(other: Connection): Promise<void> {
    const clientId = other.server?.clientId
    if (clientId === undefined || !this.#mayUnblock) return
    try {
      await this.send(['CLIENT', 'UNBLOCK', clientId])
    } catch (error) {
      if (!isMissingRight(error)) throw error
      this.#mayUnblock = false
    }
  }

  /**
   * Runs a script by its digest; a server that does not know the digest yet is sent the text.
   * @param more Keys and arguments beyond the named ones.
   */
  async run<K extends string, A extends string>(
    script: Script<K, A>,
    keys: Readonly<Record<K, string>>,
    args: Readonly<Record<A, Argument>>,
    more?: More,
  ): Promise<unknown> {
    const words = wordsOf(script, keys, args, more)
    try {
      return await this.send(['EVALSHA', script.sha, ...words])
    } catch (error) {
      if (!messageOf(error).startsWith('NOSCRIPT')) throw error
      return this.send(['EVAL', script.lua, ...words])
    }
  }

  /** Idempotent. Commands without a reply reject. */
  async close(): Promise<void> {
    this.#closing.abort()
    this.#session?.end(new Error('closed'))
    await this.#finished
  }

  async #keepConnected(): Promise<void> {
    while (!this.#closing.signal.aborted) {
      const cause = await this.#serve().catch((error: Error) => error)
      if (this.#closing.signal.aborted) break
      if (this.#isForGood(cause)) {
        this.#refused = cause instanceof RedisRefusedError ? cause : new RedisRefusedError(messageOf(cause))
        break
      }
      this.#failures += 1
      this.#lastFailure = cause
      this.#changeState('lost', cause)
      await sleep(backoffMs(this.#failures), this.#closing.signal)
    }
    this.#changed.notify()
  }

  /** A refusal is for good, unless a function may give other credentials for the next try. */
  #isForGood(cause: Error): boolean {
    const { redis, patienceMs = PATIENCE_MS } = this.#options
    if (!isRefusal(cause)) this.#refusedSince = undefined
    else this.#refusedSince ??= now()
    if (this.#refusedSince === undefined) return false
    return typeof redis !== 'function' || now() - this.#refusedSince > patienceMs
  }

  /** Connects, serves, and resolves to the reason why the connection ended. */
  async #serve(): Promise<Error> {
    const session = await openSession(this.#options, this.#closing.signal)
    if (this.#closing.signal.aborted) session.end(new Error('closed'))
    const since = now()
    this.#session = session
    this.#refusedSince = undefined
    this.#changeState('connected')
    this.#options.onServer?.(session.server)
    this.#changed.notify()
    const cause = await session.ended
    this.#session = undefined
    // Only a long session resets the count: a server that drops each connection at once must not make a hot loop.
    if (now() - since > STABLE_MS) this.#failures = 0
    return cause
  }

  #changeState(state: ConnectionState, cause?: Error): void {
    if (this.#state === state) return
    this.#state = state
    this.#options.onState?.(state, cause)
  }

  #handleError(error: unknown, session: Session): unknown {
    if (isBadCredentials(error) && typeof this.#options.redis === 'function') {
      session.end(error as Error)
      return new RedisUnavailableError(`not connected: ${messageOf(error)}`)
    }
    if (isRefusal(error)) return new RedisRefusedError(explainRefusal(messageOf(error)), { cause: error })
    // A master that has become a replica stays a replica: only a new connection can lead to the new master.
    if (messageOf(error).startsWith('READONLY')) session.end(error as Error)
    // A reply that is an error leaves the connection as it was; anything else is the connection's end.
    return error instanceof ErrorReply
      ? error
      : new RedisUnavailableError(messageOf(error), { cause: error, mayHaveRun: true })
  }
}
