import { within } from '../base/loop.ts'
import { Connection } from '../broker/connection.ts'
import { InspectBroker, type StreamState } from '../broker/inspect.ts'
import { Keys } from '../broker/keys.ts'
import type { RedisOptions } from '../define/redis-options.ts'
import type { StreamDefinition } from '../define/stream.ts'

/** How long to wait for Redis. */
const TIMEOUT_MS = 5_000

export interface StreamInspector {
  /**
   * Looks at the stream and its groups: lag, pending, parked, oldest unhandled age, consumers, dead letters; and at the
   * settings of the server. One script, which counts no entries; only where Redis does not know the lag, up to 10,000
   * entries are counted.
   * @throws {RedisUnavailableError} when Redis does not answer in time.
   * @throws {RedisRefusedError} when Redis refuses for good.
   */
  inspect(): Promise<StreamState>
  /** Idempotent. */
  close(): Promise<void>
}

/** For looking again and again: opens one connection, which heals itself. */
export function openInspector(
  stream: Pick<StreamDefinition, 'name'>,
  options: {
    redis: RedisOptions
    /**
     * How long to wait for a connection. A reply of Redis is late after 0.4 of it (at least 500 ms, at most 5 s).
     * Milliseconds. Default 5,000.
     */
    timeoutMs?: number
  },
): StreamInspector {
  const { redis, timeoutMs = TIMEOUT_MS } = options
  const connection = new Connection({ redis, name: 'inspect', deadlineMs: timeoutMs })
  const broker = new InspectBroker(connection, new Keys(stream.name))
  const closing = new AbortController()
  return {
    async inspect() {
      await within(timeoutMs, closing.signal, (limit) => connection.ready(limit))
      return broker.inspect()
    },
    async close() {
      closing.abort()
      await connection.close()
    },
  }
}

/**
 * Looks at a stream and its groups once; see `StreamInspector`.
 * @throws {RedisUnavailableError} when Redis cannot be reached within 5 s.
 * @throws {RedisRefusedError} when Redis refuses for good.
 */
export async function inspectStream(
  stream: Pick<StreamDefinition, 'name'>,
  options: { redis: RedisOptions },
): Promise<StreamState> {
  const inspector = openInspector(stream, options)
  try {
    return await inspector.inspect()
  } finally {
    await inspector.close()
  }
}
