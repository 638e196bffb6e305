import { InspectBroker, type StreamState } from '../broker/inspect.ts'
import { Keys } from '../broker/keys.ts'
import type { RedisOptions } from '../define/redis-options.ts'
import type { StreamDefinition } from '../define/stream.ts'
import { connect, type OperatorOptions, once, TIMEOUT_MS } from './connect.ts'

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
export function openInspector(stream: Pick<StreamDefinition, 'name'>, options: OperatorOptions): StreamInspector {
  const { connection, ready, close } = connect({ timeoutMs: TIMEOUT_MS, ...options }, 'inspect')
  const broker = new InspectBroker(connection, new Keys(stream.name))
  return {
    async inspect() {
      await ready()
      return broker.inspect()
    },
    close,
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
  return once(openInspector(stream, options), (inspector) => inspector.inspect())
}
