import { z } from 'zod'
import { NoSuchGroupError } from '../base/errors.ts'
import { isMissingGroup } from '../base/redis-errors.ts'
import { type Deleted, GroupsBroker, type Started } from '../broker/groups.ts'
import { InspectBroker } from '../broker/inspect.ts'
import { Keys } from '../broker/keys.ts'
import { consumerLimits } from '../define/limits.ts'
import { groupSchema } from '../define/names.ts'
import { parseOptions, whole } from '../define/parse-options.ts'
import { type StartPoint, startPointSchema } from '../define/start-point.ts'
import type { StreamDefinition } from '../define/stream.ts'
import { connect, type OperatorOptions } from './connect.ts'

export interface GroupsOptions extends OperatorOptions {
  /**
   * A group whose consumers have asked Redis for nothing for the longest of their leases counts as left. Consumers tell
   * their lease when they join. This is the lease of those that have told none: they are of an older version, or lack a
   * right. With one that is too short, such a consumer may count as dead while its handlers run, and later acknowledge
   * events that a replay has delivered anew. Milliseconds, 500 to 43,200,000. Default 10,000.
   */
  leaseMs?: number
}

export interface StartOptions {
  /** The first entry that the group handles; see `StartPoint`. */
  from: StartPoint
  /** Give the same figures, and write nothing. Consumers may be at work. Default false. */
  dryRun?: boolean
  /** Called after each page: how many entries were counted, of at most how many. Not where nothing need be counted. */
  onProgress?: (progress: { counted: number; of: number }) => void
}

/** Where a group stands after `create` or `replay`; in a dry run, where it would stand. */
export interface StartResult extends Started {
  group: string
}

/** What went with a group; in a dry run, what would go. */
export interface DeleteResult extends Omit<Deleted, 'lag'> {
  group: string
  /** Entries that were not delivered to the group yet. Where Redis does not know, they are counted, up to 10,000. */
  lag: number
  /** False: there were at least so many. */
  isLagExact: boolean
}

export interface PruneResult {
  group: string
  /** The consumers that were deleted; in a dry run, that would be. `idleMs`: since they last asked Redis for anything. */
  pruned: { name: string; idleMs: number }[]
}

export interface Groups {
  /**
   * Creates a group at a start, and the stream with it.
   * @throws {StreamsError} `GROUP_EXISTS`: nothing is written.
   * @throws {InvalidOptionError} when the start lies ahead.
   */
  create(group: string, options: StartOptions): Promise<StartResult>
  /**
   * Puts a group, which may be new, at a start. One step: what it had pending, its retries and their errors are dropped,
   * and its consumers begin at the start once they run. Its dead letters stay, and so do its idempotency records: with
   * the option `idempotency`, an event whose handler has finished is acknowledged without another run.
   * @throws {GroupAtWorkError} while consumers of the group are at work: nothing is written.
   * @throws {InvalidOptionError} when the start lies ahead.
   */
  replay(group: string, options: StartOptions): Promise<StartResult>
  /**
   * Deletes a group in one step, with everything that is its own: position, pending list, retries, errors, dead letters,
   * low-water mark. Only idempotency records stay, until they expire.
   * @throws {GroupAtWorkError} while consumers of the group are at work: nothing is written.
   */
  delete(group: string, options?: { dryRun?: boolean }): Promise<DeleteResult>
  /**
   * Deletes the names of consumers that hold nothing and have been idle for long. One that lives after all comes back by
   * its next read. Never those of pseudo-consumers.
   * @param options.idleMs Milliseconds, 0 to 31,536,000,000. Default 300,000.
   * @throws {NoSuchGroupError} when the stream has no such group.
   */
  pruneConsumers(group: string, options?: { idleMs?: number; dryRun?: boolean }): Promise<PruneResult>
  /** Idempotent. */
  close(): Promise<void>
}

const dryRun = z.boolean().default(false)
const startSchema = z.strictObject({ from: startPointSchema, dryRun })
const deleteSchema = z.strictObject({ dryRun })
const pruneSchema = z.strictObject({ idleMs: whole({ min: 0, max: 31_536_000_000, default: 300_000 }), dryRun })

/**
 * Opens the groups of a stream, to create, set back and delete them. Each call waits up to 5 s for Redis.
 * @throws {InvalidOptionError} naming option, range and value.
 */
export function openGroups(stream: Pick<StreamDefinition, 'name'>, options: GroupsOptions): Groups {
  const { leaseMs } = parseOptions('openGroups', z.object({ leaseMs: whole(consumerLimits.leaseMs) }), options)
  const { connection, ready, close } = connect(options, 'groups')
  const keys = new Keys(stream.name)
  const broker = new GroupsBroker(connection, keys, leaseMs)
  const inspector = new InspectBroker(connection, keys)

  async function start(
    where: 'create' | 'replay',
    name: string,
    { onProgress, ...given }: StartOptions,
  ): Promise<StartResult> {
    const group = parseOptions(`${where}: group`, groupSchema, name)
    const { from, dryRun } = parseOptions(where, startSchema, given)
    await ready()
    return { group, ...(await broker.start(group, from, { mustBeNew: where === 'create', dryRun, onProgress })) }
  }

  return {
    create: (group, given) => start('create', group, given),
    replay: (group, given) => start('replay', group, given),
    async delete(name, given = {}) {
      const group = parseOptions('delete: group', groupSchema, name)
      const { dryRun } = parseOptions('delete', deleteSchema, given)
      await ready()
      const before = (await inspector.inspect()).groups.find((state) => state.group === group)
      const { lag, ...deleted } = await broker.delete(group, dryRun)
      const isLagExact = lag !== null || (before?.isLagExact ?? true)
      return { group, ...deleted, lag: lag ?? before?.lag ?? 0, isLagExact }
    },
    async pruneConsumers(name, given = {}) {
      const group = parseOptions('pruneConsumers: group', groupSchema, name)
      const { idleMs, dryRun } = parseOptions('pruneConsumers', pruneSchema, given)
      await ready()
      try {
        return { group, pruned: await broker.prune(group, idleMs, dryRun) }
      } catch (error) {
        if (isMissingGroup(error)) throw new NoSuchGroupError(stream.name, group)
        throw error
      }
    },
    close,
  }
}
