import { ExamineBroker, type WrongType } from '../broker/examine.ts'
import type { ServerState } from '../broker/inspect.ts'
import { Keys } from '../broker/keys.ts'
import { type Program, rights } from '../define/rights.ts'
import type { StreamDefinition } from '../define/stream.ts'
import { connect, type OperatorOptions, once } from './connect.ts'

/** What Redis and its settings look like to a program. What its user may not look at is undefined. */
export interface Examination {
  server: ServerState
  uptimeMs: number | undefined
  /** `maxBytes` is 0 where Redis has no limit. */
  memory: { usedBytes: number; maxBytes: number } | undefined
  /** False: Redis could not write its append-only file the last time. */
  isWritingToDisk: boolean | undefined
  /** By how much Redis' clock is ahead of that of this process. Milliseconds, give or take half a round trip. */
  clockAheadMs: number | undefined
  /** Rules of Redis' ACL that this user lacks: without one that is needed something fails. */
  missingRights: { needed: string[]; optional: string[] }
  /** Keys of the stream and of its groups that hold a value of another type. */
  wrongTypes: WrongType[] | undefined
}

/**
 * Looks at the server, and at what the user of this connection may do; changes nothing.
 * @param options.program Whose rights are needed. Default `operator`.
 * @throws {RedisUnavailableError} when Redis cannot be reached within 5 s.
 * @throws {RedisRefusedError} when Redis refuses the connection for good: wrong password, too old.
 */
export async function examineStream(
  stream: Pick<StreamDefinition, 'name'>,
  options: OperatorOptions & { program?: Program },
): Promise<Examination> {
  const { needed, optional } = rights[options.program ?? 'operator']
  return once(connect(options, 'examine'), async ({ connection, ready }) => {
    await ready()
    const keys = new Keys(stream.name)
    const broker = new ExamineBroker(connection, keys)
    const { name, version, warnings = [], uptimeMs } = connection.server ?? {}
    const info = await broker.info()
    const numberOf = (field: string) => Number(info?.get(field) ?? 0)
    const groups = await broker.groups()
    return {
      server: { name, version, warnings },
      uptimeMs,
      memory: info && { usedBytes: numberOf('used_memory'), maxBytes: numberOf('maxmemory') },
      isWritingToDisk: info && info.get('aof_last_write_status') !== 'err',
      clockAheadMs: await broker.clockAheadMs(),
      missingRights: {
        needed: await broker.missingRights(needed),
        optional: await broker.missingRights(optional),
      },
      wrongTypes: await broker.wrongTypes([
        ...keys.sharedTypes(),
        ...groups.flatMap((group) => keys.groupTypes(group)),
      ]),
    }
  })
}
