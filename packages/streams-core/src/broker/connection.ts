import { ErrorReply } from 'redis'
import { now } from '../base/clock.ts'
import { messageOf, RedisRefusedError, RedisUnavailableError } from '../base/errors.ts'
import { backoffMs, sleep } from '../base/loop.ts'
import { isRefusal } from '../base/redis-errors.ts'
import type { Argument, RedisOptions } from '../define/redis-options.ts'
import { askServer, type Client, checkVersion, newClient, type ServerInfo } from './client.ts'
import { explainConnectError, explainRefusal } from './connect-errors.ts'
import type { Script } from './script.ts'

export type ConnectionState = 'connected' | 'lost'

export interface ConnectionOptions {
  redis: RedisOptions
  /** Shown by CLIENT LIST. */
  name: string
  /** Called once per change, never per try. */
  onState?: (state: ConnectionState, cause?: Error) => void
}

/** A reply that is later than this means a dead socket: the socket is destroyed and a new one opened. */
const REPLY_TIMEOUT_MS = 5_000
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
  #client: Client | undefined
  #kill: (cause: Error) => void = () => {}
  #waiting: { resolve: () => void; reject: (error: Error) => void }[] = []
  #refused: RedisRefusedError | undefined
  #lastFailure: Error | undefined
  #failures = 0
  #state: ConnectionState | undefined
  #server: ServerInfo | undefined

  constructor(options: ConnectionOptions) {
    this.#options = options
    this.#finished = this.#keepConnected()
  }

  /** What the server said of itself when the connection was made. */
  get server(): ServerInfo | undefined {
    return this.#server
  }

  /** Why there is no connection, while there is none. */
  get problem(): Error | undefined {
    return this.#client ? undefined : (this.#refused ?? this.#lastFailure)
  }

  /**
   * Resolves once commands can be sent, or when the signal is aborted; waits for Redis as long as it takes.
   * @throws {RedisRefusedError} when Redis refuses for good.
   */
  ready(signal?: AbortSignal): Promise<void> {
    if (this.#client) return Promise.resolve()
    const why = this.#refused ?? (this.#closing.signal.aborted ? new RedisUnavailableError('closed') : undefined)
    if (why) return Promise.reject(why)
    return new Promise((resolve, reject) => {
      const waiter = {
        resolve: () => {
          signal?.removeEventListener('abort', waiter.resolve)
          this.#waiting = this.#waiting.filter((other) => other !== waiter)
          resolve()
        },
        reject,
      }
      this.#waiting.push(waiter)
      signal?.addEventListener('abort', waiter.resolve)
    })
  }

  /**
   * Sends one command.
   * @throws {RedisUnavailableError} when there is no connection, or when it is lost before the reply: then the command
   * may have run.
   * @throws {RedisRefusedError} when Redis refuses for good.
   */
  async send<T = unknown>(args: readonly Argument[], replyTimeoutMs = REPLY_TIMEOUT_MS): Promise<T> {
    const client = this.#client
    if (!client) {
      throw this.#refused ?? new RedisUnavailableError(messageOf(this.#lastFailure ?? 'not connected yet'))
    }
    const kill = this.#kill
    const timer = setTimeout(() => kill(new Error(`no reply within ${replyTimeoutMs} ms`)), replyTimeoutMs)
    try {
      return await client.sendCommand<T>(args.map(String))
    } catch (error) {
      throw this.#handleError(error)
    } finally {
      clearTimeout(timer)
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
    more: { keys?: readonly string[]; args?: readonly Argument[] } = {},
  ): Promise<unknown> {
    const { keys: moreKeys = [], args: moreArgs = [] } = more
    const words: Argument[] = ['EVALSHA', script.sha, script.keys.length + moreKeys.length]
    for (const name of script.keys) words.push(keys[name])
    for (const key of moreKeys) words.push(key)
    for (const name of script.args) words.push(args[name])
    for (const arg of moreArgs) words.push(arg)
    try {
      return await this.send(words)
    } catch (error) {
      if (!messageOf(error).startsWith('NOSCRIPT')) throw error
      return this.send(['EVAL', script.lua, ...words.slice(2)])
    }
  }

  /** Idempotent. Commands without a reply reject. */
  async close(): Promise<void> {
    this.#closing.abort()
    this.#kill(new Error('closed'))
    await this.#finished
  }

  async #keepConnected(): Promise<void> {
    while (!this.#closing.signal.aborted) {
      const cause = await this.#session().catch((error: Error) => error)
      if (isRefusal(cause)) return this.#refuse(cause)
      if (this.#closing.signal.aborted) break
      this.#failures += 1
      this.#lastFailure = cause
      this.#changeState('lost', cause)
      await sleep(backoffMs(this.#failures), this.#closing.signal)
    }
    for (const { reject } of this.#waiting.splice(0)) reject(new RedisUnavailableError('closed'))
  }

  /** Connects, serves, and resolves to the reason why the connection ended. */
  async #session(): Promise<Error> {
    const client = newClient(this.#options.redis, this.#options.name)
    const ended = new Promise<Error>((resolve) => {
      this.#kill = resolve
      client.on('error', resolve)
    })
    const unlessEnded = <T>(step: Promise<T>) => Promise.race([step, ended.then((cause) => Promise.reject(cause))])
    const late = setTimeout(this.#kill, REPLY_TIMEOUT_MS, new Error(`no answer within ${REPLY_TIMEOUT_MS} ms`))
    try {
      this.#server = await unlessEnded(client.connect().then(() => askServer(client))).catch((error: unknown) => {
        throw isRefusal(error) ? error : explainConnectError(error, this.#options.redis)
      })
      checkVersion(this.#server)
      clearTimeout(late)
      this.#serve(client)
      const since = now()
      const cause = await ended
      // Only a long session resets the count: a server that drops each connection at once must not make a hot loop.
      if (now() - since > STABLE_MS) this.#failures = 0
      return cause
    } finally {
      clearTimeout(late)
      this.#client = undefined
      if (client.isOpen) client.destroy()
    }
  }

  #serve(client: Client): void {
    this.#client = client
    this.#changeState('connected')
    for (const { resolve } of [...this.#waiting]) resolve()
  }

  #refuse(cause: unknown): void {
    this.#refused = cause instanceof RedisRefusedError ? cause : new RedisRefusedError(messageOf(cause))
    for (const { reject } of this.#waiting.splice(0)) reject(this.#refused)
  }

  #changeState(state: ConnectionState, cause?: Error): void {
    if (this.#state === state) return
    this.#state = state
    this.#options.onState?.(state, cause)
  }

  #handleError(error: unknown): unknown {
    if (isRefusal(error)) return new RedisRefusedError(explainRefusal(messageOf(error)), { cause: error })
    // A master that has become a replica stays a replica: only a new connection can lead to the new master.
    if (messageOf(error).startsWith('READONLY')) this.#kill(error as Error)
    // A reply that is an error leaves the connection as it was; anything else is the connection's end.
    return error instanceof ErrorReply
      ? error
      : new RedisUnavailableError(messageOf(error), { cause: error, mayHaveRun: true })
  }
}
