import { Keys } from '../broker/keys.ts'
import { TrimBroker, type Trimmed } from '../broker/trim-now.ts'
import { parseOptions } from '../define/parse-options.ts'
import type { RedisOptions } from '../define/redis-options.ts'
import { type AcknowledgedRetention, acknowledgedSchema } from '../define/retention.ts'
import type { StreamDefinition } from '../define/stream.ts'
import { connect, once } from './connect.ts'

/**
 * Trims at once what the janitors of the consumers would trim: what every group has acknowledged and the retention does
 * not keep. In steps, so that no call holds Redis up for long. Unlike the janitors, it also trims the last part of a node.
 * What is acknowledged meanwhile stays, so that this comes to an end in a busy stream, too.
 * @param options.retention What else is kept. Default: the retention of the stream, or nothing where it names none.
 * @param options.dryRun Only count. Default false.
 * @param options.onProgress Called after each step: how many entries were trimmed so far. Not in a dry run.
 * @throws {InvalidOptionError} naming option, range and value. Not for a stream with the policy `maxlen`, of which
 * publishes trim whatever is too old.
 * @throws {RedisUnavailableError} when Redis cannot be reached within 5 s.
 */
export async function trimStream(
  stream: Pick<StreamDefinition, 'name'> & Partial<Pick<StreamDefinition, 'retention'>>,
  options: {
    redis: RedisOptions
    retention?: AcknowledgedRetention
    dryRun?: boolean
    onProgress?: (trimmed: number) => void
  },
): Promise<Trimmed> {
  const given = options.retention ?? stream.retention ?? {}
  const retention = parseOptions('trimStream: retention', acknowledgedSchema, given)
  return once(connect(options, 'trim'), async ({ connection, ready }) => {
    const broker = new TrimBroker(connection, new Keys(stream.name), retention)
    await ready()
    return options.dryRun ? broker.count() : broker.trim(options.onProgress)
  })
}
