import { createClient, type RedisClientOptions } from 'redis'
import { RedisRefusedError } from '../base/errors.ts'
import type { RedisOptions } from '../define/redis-options.ts'
import { explainOptionsError } from './connect-errors.ts'

const OLDEST_REDIS = 7

export type Client = ReturnType<typeof newClient>

/** What the server said of itself when the connection was made. */
export interface ServerInfo {
  readonly version: string
  readonly major: number
  readonly uptimeMs: number
  /** The server's number of this connection. */
  readonly clientId: number
}

/**
 * A client of node-redis without its reconnecting and its offline queue. RESP2, because its flat arrays keep field
 * names that occur twice, and show entries whose body was deleted.
 * @throws {RedisRefusedError} when the URL or the options cannot be used.
 */
export function newClient(redis: RedisOptions, name: string) {
  const given: RedisClientOptions = typeof redis === 'string' ? { url: redis } : redis
  // The URL is not shown: it may hold a password.
  if (given.url !== undefined && !URL.canParse(given.url)) throw new RedisRefusedError('redis: not a URL')
  try {
    return createClient({
      ...given,
      name,
      RESP: 2,
      disableOfflineQueue: true,
      maintNotifications: 'disabled',
      socket: { ...given.socket, reconnectStrategy: false } as NonNullable<RedisClientOptions['socket']>,
    })
  } catch (error) {
    throw explainOptionsError(error)
  }
}

/** Asks the server what it is, and which number it gave this connection. */
export async function askServer(client: Client): Promise<ServerInfo> {
  const [info, clientId] = await Promise.all([
    client.sendCommand<string>(['INFO', 'server']),
    client.sendCommand<number>(['CLIENT', 'ID']),
  ])
  const field = (name: string) => new RegExp(`^${name}:(.*)$`, 'm').exec(info)?.[1]?.trim() ?? ''
  const version = field('redis_version')
  const uptimeMs = Number(field('uptime_in_seconds')) * 1_000
  return { version, major: Number.parseInt(version, 10) || 0, uptimeMs, clientId }
}

/** @throws {RedisRefusedError} when the server lacks what the scripts need. */
export function checkVersion({ major, version }: Pick<ServerInfo, 'major' | 'version'>): void {
  if (major >= OLDEST_REDIS) return
  throw new RedisRefusedError(`Redis ${version} is too old: ${OLDEST_REDIS}.0 or newer is needed`)
}
