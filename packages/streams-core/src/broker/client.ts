import { createClient, type RedisClientOptions } from 'redis'
import { RedisRefusedError } from '../base/errors.ts'
import { isRedisUrl, type RedisAddress } from '../define/redis-options.ts'
import { explainOptionsError } from './connect-errors.ts'

export type Client = ReturnType<typeof newClient>

/**
 * A client of node-redis without its reconnecting, its offline queue, and those commands of its handshake that a user
 * may lack the right to. RESP2, because its flat arrays keep field names that occur twice, and show entries whose body
 * was deleted.
 * @throws {RedisRefusedError} when the URL or the options cannot be used.
 */
export function newClient(address: RedisAddress) {
  try {
    const given: RedisClientOptions = typeof address === 'string' ? { url: address } : address
    // The URL is not shown: it may hold a password.
    if (given.url !== undefined && !isRedisUrl(given.url)) throw new RedisRefusedError('redis: not a URL of Redis')
    return createClient({
      ...given,
      RESP: 2,
      disableOfflineQueue: true,
      disableClientInfo: true,
      maintNotifications: 'disabled',
      socket: { ...given.socket, reconnectStrategy: false } as NonNullable<RedisClientOptions['socket']>,
    })
  } catch (error) {
    throw error instanceof RedisRefusedError ? error : explainOptionsError(error)
  }
}
