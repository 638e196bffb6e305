import { z } from 'zod'
import { Keys } from '../broker/keys.ts'
import { type StreamLook, WatchBroker } from '../broker/watch.ts'
import { parseOptions } from '../define/parse-options.ts'
import type { StreamDefinition } from '../define/stream.ts'
import { connect, type OperatorOptions } from './connect.ts'

const boundsSchema = z.object({
  entries: z.int().min(0).max(10_000).default(2_000),
  perName: z.int().min(1).max(1_000).default(40),
  takeovers: z.int().min(0).max(50).default(10),
  letters: z.int().min(0).max(100).default(0),
})

export interface WatchOptions extends OperatorOptions {
  /** Entries that one look shows at most, of all groups together. 0 to 10,000. Default 2,000. */
  entries?: number
  /** Entries that one look shows under one name at most. 1 to 1,000. Default 40. */
  perName?: number
  /** Takeovers that one look shows of one group at most. 0 to 50. Default 10. */
  takeovers?: number
  /** Dead letters that one look shows of one group at most, the newest ones. 0 to 100. Default 0. */
  letters?: number
}

export interface StreamWatcher {
  /**
   * Looks at every group, and into those that are named: who holds what, what was lately taken over from whom, and what
   * died last. One script; what it costs is bounded, apart from a few commands for each group, and one value for each name
   * in a group. Letters are read when they are others than at the look before.
   * @param groups Names that the stream has no group of are left out.
   * @throws {RedisUnavailableError} when Redis does not answer in time.
   * @throws {RedisRefusedError} when Redis refuses for good.
   */
  look(groups?: readonly string[]): Promise<StreamLook>
  /** Idempotent. */
  close(): Promise<void>
}

/**
 * For watching a stream live: opens one connection, which heals itself. Nothing of the stream's catalog is needed.
 * @throws {InvalidOptionError} naming option, range and value.
 */
export function openWatcher(stream: Pick<StreamDefinition, 'name'>, options: WatchOptions): StreamWatcher {
  const bounds = parseOptions('openWatcher', boundsSchema, options)
  const { connection, ready, close } = connect(options, 'watch')
  const broker = new WatchBroker(connection, new Keys(stream.name))
  return {
    async look(groups = []) {
      await ready()
      return broker.look({ groups, ...bounds })
    },
    close,
  }
}
