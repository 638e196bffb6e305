import { Connection, type RedisOptions } from './broker/connection.ts'
import { InspectBroker, type StreamState } from './broker/inspect.ts'
import { Keys } from './broker/keys.ts'
import type { StreamDefinition } from './stream.ts'

/** Looks at a stream and its groups once: lag, pending, waiting for retry, oldest unhandled age, consumers, dead letters. */
export async function inspectStream(
  stream: Pick<StreamDefinition, 'name'>,
  options: { redis: RedisOptions },
): Promise<StreamState> {
  const connection = new Connection({ redis: options.redis, name: 'inspect' })
  try {
    await connection.ready(AbortSignal.timeout(5_000))
    return await new InspectBroker(connection, new Keys(stream.name)).inspect()
  } finally {
    await connection.close()
  }
}
