import { Connection } from '../broker/connection.ts'
import { InspectBroker, type StreamState } from '../broker/inspect.ts'
import { Keys } from '../broker/keys.ts'
import type { RedisOptions } from '../define/redis-options.ts'
import type { StreamDefinition } from '../define/stream.ts'

/** How long to wait for Redis. */
const CONNECT_TIMEOUT_MS = 5_000

/**
 * Looks at a stream and its groups once: lag, pending, parked, oldest unhandled age, consumers, dead letters; and at the
 * settings of the server.
 * @throws {RedisUnavailableError} when Redis cannot be reached within 5 s.
 * @throws {RedisRefusedError} when Redis refuses for good.
 */
export async function inspectStream(
  stream: Pick<StreamDefinition, 'name'>,
  options: { redis: RedisOptions },
): Promise<StreamState> {
  const connection = new Connection({ redis: options.redis, name: 'inspect' })
  try {
    await connection.ready(AbortSignal.timeout(CONNECT_TIMEOUT_MS))
    return await new InspectBroker(connection, new Keys(stream.name)).inspect()
  } finally {
    await connection.close()
  }
}
