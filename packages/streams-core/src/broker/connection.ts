import { createHash } from 'node:crypto'
import { createClient, ErrorReply, type RedisClientOptions } from 'redis'
import { now } from '../clock.ts'
import { isRefusal, messageOf, RedisRefusedError, RedisUnavailableError } from '../errors.ts'
import { backoffMs, sleep } from '../loop.ts'

/** A URL such as `redis://user:password@host:6379/0`, or what node-redis takes to connect. */
export type RedisOptions = string | Pick<RedisClientOptions, 'url' | 'socket' | 'username' | 'password' | 'database'>

/** A Lua script with the digest that it is called by. */
export interface Script {
  readonly lua: string
  readonly sha: string
}

/**
 * @param options.allowOom The script runs although Redis is over its `maxmemory`: for what only moves or frees, and
 * without which nothing would ever be freed again (Redis, "Eval scripts", script flags).
 */
export function script(lua: string, options: { allowOom?: boolean } = {}): Script {
  const text = options.allowOom ? `#!lua flags=allow-oom\n${lua}` : lua
  return { lua: text, sha: createHash('sha1').update(text).digest('hex') }
}

export type Argument = string | number
export type ConnectionState = 'connected' | 'lost'

export interface ConnectionOptions {
  redis: RedisOptions
  /** Shown by CLIENT LIST. */
  name: string
  /** A reply that is later than this means a dead socket: it is destroyed and a new one opened. */
  replyTimeoutMs?: number
  /** Called once per change, never per attempt. */
  onState?: (state: ConnectionState, cause?: Error) => void
}

type Client = ReturnType<typeof newClient>

const OLDEST_REDIS = 7
const REPLY_TIMEOUT_MS = 5_000
const STABLE_MS = 5_000

/**
 * One connection that heals itself. node-redis' own reconnecting and offline queue are off: a command either goes
 * out now or fails now, a late reply destroys the socket (a half-open one would never answer), and a fresh client
 * takes its place. RESP2, because its flat arrays keep repeated field names and deleted bodies.
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

  /** Resolves once commands can be sent, or when the signal is aborted. @throws {RedisRefusedError} when that will never be. */
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
   * @throws {RedisUnavailableError} when there is no connection, or it is lost before the reply: the command may have run.
   * @throws {RedisRefusedError} when Redis says no for good.
   */
  async send<T = unknown>(args: readonly Argument[], replyTimeoutMs = this.#replyTimeoutMs): Promise<T> {
    const client = this.#client
    if (!client) {
      throw this.#refused ?? new RedisUnavailableError(messageOf(this.#lastFailure ?? 'not connected yet'))
    }
    const kill = this.#kill
    const timer = setTimeout(() => kill(new Error(`no reply within ${replyTimeoutMs} ms`)), replyTimeoutMs)
    try {
      return await client.sendCommand<T>(args.map(String))
    } catch (error) {
      throw this.#explain(error)
    } finally {
      clearTimeout(timer)
    }
  }

  /** Runs a script by its digest; a server that does not know it yet is sent the text. */
  async run<T = unknown>(
    { lua, sha }: Script,
    keys: readonly string[],
    args: readonly Argument[],
    replyTimeoutMs?: number,
  ): Promise<T> {
    try {
      return await this.send<T>(['EVALSHA', sha, keys.length, ...keys, ...args], replyTimeoutMs)
    } catch (error) {
      if (!messageOf(error).startsWith('NOSCRIPT')) throw error
      return this.send<T>(['EVAL', lua, keys.length, ...keys, ...args], replyTimeoutMs)
    }
  }

  /** Idempotent. Commands without a reply reject. */
  async close(): Promise<void> {
    this.#closing.abort()
    this.#kill(new Error('closed'))
    await this.#finished
  }

  get #replyTimeoutMs(): number {
    return this.#options.replyTimeoutMs ?? REPLY_TIMEOUT_MS
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

  /** Connects, serves, and resolves to the reason why it ended. */
  async #session(): Promise<Error> {
    const client = newClient(this.#options)
    const ended = new Promise<Error>((resolve) => {
      this.#kill = resolve
      client.on('error', resolve)
    })
    const unlessEnded = <T>(step: Promise<T>) => Promise.race([step, ended.then((cause) => Promise.reject(cause))])
    const late = setTimeout(this.#kill, this.#replyTimeoutMs, new Error(`no answer within ${this.#replyTimeoutMs} ms`))
    try {
      await unlessEnded(client.connect())
      const info = client.sendCommand<string>(['INFO', 'server'])
      const clientId = client.sendCommand<number>(['CLIENT', 'ID'])
      this.#server = parseServerInfo(...(await unlessEnded(Promise.all([info, clientId]))))
      checkVersion(this.#server)
      clearTimeout(late)
      this.#serve(client)
      const since = now()
      const cause = await ended
      // Short connections count as failures, or a server that drops them at once would be dialled in a hot loop.
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
    this.#refused = new RedisRefusedError(messageOf(cause), { cause })
    for (const { reject } of this.#waiting.splice(0)) reject(this.#refused)
  }

  #changeState(state: ConnectionState, cause?: Error): void {
    if (this.#state === state) return
    this.#state = state
    this.#options.onState?.(state, cause)
  }

  #explain(error: unknown): unknown {
    if (isRefusal(error)) return new RedisRefusedError(messageOf(error), { cause: error })
    // A master that has become a replica stays one: only a new connection can lead to the new master.
    if (messageOf(error).startsWith('READONLY')) this.#kill(error as Error)
    // A reply that is an error leaves the connection as it was; anything else is the connection's end.
    return error instanceof ErrorReply
      ? error
      : new RedisUnavailableError(messageOf(error), { cause: error, mayHaveRun: true })
  }
}

export interface ServerInfo {
  readonly version: string
  readonly major: number
  readonly uptimeMs: number
  /** The server's number of this connection. */
  readonly clientId: number
}

/** @throws {RedisRefusedError} when the server lacks what the scripts need. */
export function checkVersion({ major, version }: ServerInfo): void {
  if (major >= OLDEST_REDIS) return
  throw new RedisRefusedError(`Redis ${version} is too old: ${OLDEST_REDIS}.0 or newer is needed`)
}

function parseServerInfo(info: string, clientId: number): ServerInfo {
  const field = (name: string) => new RegExp(`^${name}:(.*)$`, 'm').exec(info)?.[1]?.trim() ?? ''
  const version = field('redis_version')
  const uptimeMs = Number(field('uptime_in_seconds')) * 1_000
  return { version, major: Number.parseInt(version, 10) || 0, uptimeMs, clientId }
}

function newClient({ redis, name }: ConnectionOptions) {
  const given: RedisClientOptions = typeof redis === 'string' ? { url: redis } : redis
  // Not shown: it may hold a password.
  if (given.url !== undefined && !URL.canParse(given.url)) throw new RedisRefusedError('redis: the URL is none')
  return createClient({
    ...given,
    name,
    RESP: 2,
    disableOfflineQueue: true,
    maintNotifications: 'disabled',
    socket: { ...given.socket, reconnectStrategy: false } as NonNullable<RedisClientOptions['socket']>,
  })
}
