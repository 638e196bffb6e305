import { messageOf } from '../base/errors.ts'
import { isRefusal } from '../base/redis-errors.ts'
import type { RedisAddress, RedisOptions } from '../define/redis-options.ts'
import { type Client, newClient } from './client.ts'
import { explainConnectError } from './connect-errors.ts'
import { askServer, checkVersion, type ServerInfo } from './server.ts'

/** Less than callers wait for a connection, so that they can say what went wrong. */
const CONNECT_TIMEOUT_MS = 4_000
/** The longest time a reply may take. */
const REPLY_TIMEOUT_MS = 5_000
/** However short the caller's time is, a healthy Redis may take this long. */
const SHORTEST_REPLY_TIMEOUT_MS = 500
/** How often a session is looked at. One that was not used since the last look is probed. */
const LOOK_EVERY_MS = 3_000

/** A reply counts as late after 0.4 of the caller's time, so that a second try on a new connection is in time. */
export function replyTimeoutFor(deadlineMs = Number.POSITIVE_INFINITY): number {
  return Math.min(REPLY_TIMEOUT_MS, Math.max(SHORTEST_REPLY_TIMEOUT_MS, 0.4 * deadlineMs))
}

/** One connection to Redis from its beginning to its end. It ends once, and nothing mends it. */
export class Session {
  readonly server: ServerInfo
  /** Resolves to the reason when the session has ended. */
  readonly ended: Promise<Error>
  /** Ends the session: commands without a reply reject. */
  readonly end: (cause: Error) => void
  readonly #client: Client
  #inFlight = 0
  #wasUsed = true

  constructor(client: Client, server: ServerInfo, life: { ended: Promise<Error>; end: (cause: Error) => void }) {
    this.#client = client
    this.server = server
    this.end = life.end
    const look = setInterval(() => this.#probeIfIdle(), LOOK_EVERY_MS)
    this.ended = life.ended.finally(() => {
      clearInterval(look)
      destroy(client)
    })
  }

  async send<T>(args: readonly string[], replyTimeoutMs: number): Promise<T> {
    let isOpen = true
    const late = () => isOpen && this.end(new Error(`no reply within ${replyTimeoutMs} ms`))
    // After the event loop was blocked, the reply may have come, and not be read yet. It is read first.
    const timer = setTimeout(() => setImmediate(late), replyTimeoutMs)
    this.#wasUsed = true
    this.#inFlight += 1
    try {
      return await this.#client.sendCommand<T>(args as string[])
    } finally {
      isOpen = false
      this.#inFlight -= 1
      clearTimeout(timer)
    }
  }

  /** A dead socket shows only when something is sent. HELLO, because it needs no right; any reply will do. */
  #probeIfIdle(): void {
    const isIdle = !this.#wasUsed && this.#inFlight === 0
    this.#wasUsed = false
    if (isIdle) this.send(['HELLO'], LOOK_EVERY_MS).catch(() => {})
  }
}

/**
 * Connects, and asks the server what it is.
 * @param signal Gives up when it is aborted.
 * @throws {RedisRefusedError} or a Redis error that is a refusal; any other error may pass.
 */
export async function openSession(
  { redis, name }: { redis: RedisOptions; name: string },
  signal: AbortSignal,
): Promise<Session> {
  const address = typeof redis === 'function' ? await ask(redis, signal) : redis
  const client = newClient(address)
  let end: (cause: Error) => void = () => {}
  const ended = new Promise<Error>((resolve) => {
    end = resolve
  })
  client.on('error', end)
  try {
    const failed = ended.then((cause) => Promise.reject(cause))
    const connecting = client.connect().then(() => askServer(client, name))
    const server = await inTime(Promise.race([connecting, failed]), signal)
    checkVersion(server.version)
    return new Session(client, server, { ended, end })
  } catch (error) {
    destroy(client)
    throw isRefusal(error) ? error : explainConnectError(error, address)
  }
}

/** Asks the caller's function. The text of its error gets words in front: it is never taken for a refusal by Redis. */
async function ask(where: () => RedisAddress | Promise<RedisAddress>, signal: AbortSignal): Promise<RedisAddress> {
  try {
    return await inTime(Promise.resolve().then(where), signal)
  } catch (error) {
    throw new Error(`the function given as redis failed: ${messageOf(error)}`)
  }
}

/** Waits for a step of connecting: no longer than its time limit, and only until the signal is aborted. */
async function inTime<T>(step: Promise<T>, signal: AbortSignal): Promise<T> {
  let stop = () => {}
  const stopped = new Promise<never>((_, reject) => {
    const late = () => reject(new Error(`no answer within ${CONNECT_TIMEOUT_MS} ms`))
    const timer = setTimeout(late, CONNECT_TIMEOUT_MS)
    const abort = () => reject(new Error('closed'))
    signal.addEventListener('abort', abort)
    if (signal.aborted) abort()
    stop = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', abort)
    }
  })
  return Promise.race([step, stopped]).finally(stop)
}

function destroy(client: Client): void {
  if (client.isOpen) client.destroy()
}
