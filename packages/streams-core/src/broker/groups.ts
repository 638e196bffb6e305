import { compareIds, idBefore } from '../base/entry-id.ts'
import { GroupAtWorkError, StreamsError } from '../base/errors.ts'
import { type StartPoint, startIdOf } from '../define/start-point.ts'
import type { Connection } from './connection.ts'
import { infoOf } from './infos.ts'
import type { Keys } from './keys.ts'
import { DELETE_GROUP, PRUNE, START } from './scripts/groups.ts'
import { survey } from './survey.ts'

/** Where a group stands after `create` or `replay`; in a dry run, where it would stand. */
export interface Started {
  /** False: the group is new. */
  existed: boolean
  /** The group is given what comes after this entry id. */
  startsAfter: string
  /** Entries that the stream holds after the start: the group is given each of them, whether it had handled it or not. */
  toHandle: number
  /** Entries up to the start that the group had not acknowledged, read or not. It is not given them again. */
  skipped: number
  /**
   * Pending entries, those that waited for a retry included, whose deliveries and errors so far are forgotten. Those after
   * the start are delivered again as attempt 1; the others are among `skipped`.
   */
  dropped: number
  /** The oldest entry that the stream holds; undefined where it holds none. */
  oldestEntryId: string | undefined
  /** True: entries between the start and the oldest entry may have been trimmed. Nobody can handle those again. */
  isStartTrimmed: boolean
  /** In a dry run: `replay` would be refused, because these consumers are at work. Otherwise empty. */
  atWork: string[]
  /** In a dry run: without a further sign of life, `replay` would be refused for so many milliseconds. Otherwise 0. */
  freeInMs: number
}

/** What went with a group; in a dry run, what would go. */
export interface Deleted {
  /** False: the stream had no such group. Keys that were left of one are deleted all the same. */
  existed: boolean
  /** Entries that were not delivered to the group yet. Null: Redis does not know. */
  lag: number | null
  /** Entries that consumers of the group held, and did not acknowledge. */
  pending: number
  waitingForRetry: number
  deadLetters: number
  /** In a dry run: `delete` would be refused, because these consumers are at work. Otherwise empty. */
  atWork: string[]
  /** In a dry run: without a further sign of life, `delete` would be refused for so many milliseconds. Otherwise 0. */
  freeInMs: number
}

interface Starting {
  mustBeNew: boolean
  dryRun: boolean
  onProgress?: ((progress: { counted: number; of: number }) => void) | undefined
}

/** What an operator does to a whole group. */
export class GroupsBroker {
  readonly #connection: Connection
  readonly #keys: Keys
  readonly #untoldLeaseMs: number

  /** @param untoldLeaseMs The lease of each consumer that has not told its own. */
  constructor(connection: Connection, keys: Keys, untoldLeaseMs: number) {
    this.#connection = connection
    this.#keys = keys
    this.#untoldLeaseMs = untoldLeaseMs
  }

  /**
   * Puts a group at a start. What is long to count is counted before, page by page; the script that writes adds what has
   * come since, and refuses figures that are no longer true.
   * @throws {GroupAtWorkError} while consumers of the group are at work.
   * @throws {StreamsError} `GROUP_EXISTS`.
   */
  async start(group: string, from: StartPoint, { mustBeNew, dryRun, onProgress }: Starting) {
    const { stream, marks } = this.#keys
    const retries = {
      history: this.#keys.history(group),
      due: this.#keys.due(group),
      dueScan: this.#keys.dueScan(group),
    }
    const [clock, lastStart, tally] = [this.#keys.clock(group), this.#keys.lastStart(group), this.#keys.tally(group)]
    const keys = { stream, marks, ...retries, clock, lastStart, tally }
    const { newestId, addedBefore, length, nowMs } = await this.#now()
    const start = startIdOf(from, { newestId, nowMs })
    const flags = { untoldLeaseMs: this.#untoldLeaseMs, mustBeNew: Number(mustBeNew), dryRun: Number(dryRun) }
    for (;;) {
      let counted = 0
      const { skipped, deliveredTo, pending, ...after } = await survey(this.#connection, stream, {
        ...{ group, start, newestId },
        onPage(entries) {
          counted += entries
          onProgress?.({ counted, of: Math.max(counted, length) })
        },
      })
      const args = { group, start, ...flags, deliveredTo, pending, ...after, addedBefore }
      const reply = await this.#connection.run(START, keys, args)
      const [status, ...rest] = reply as [string, ...unknown[]]
      if (status === 'stale') continue
      if (status === 'exists') throw new StreamsError('GROUP_EXISTS', `group ${group} exists already`)
      if (status === 'at-work') throw atWorkError(group, rest)
      const [existed, toHandle, dropped, oldest, gone, freeInMs, ...atWork] = rest as [
        ...[existed: number, toHandle: number, dropped: number, oldest: string | null, gone: number, freeInMs: number],
        ...string[],
      ]
      const isBeforeAll = compareIds(start, oldest === null ? newestId : idBefore(oldest)) < 0
      return {
        ...{ existed: existed === 1, startsAfter: start, toHandle, skipped, dropped },
        ...{ oldestEntryId: oldest ?? undefined, isStartTrimmed: gone > 0 && isBeforeAll, atWork, freeInMs },
      } satisfies Started
    }
  }

  /** @throws {GroupAtWorkError} while consumers of the group are at work. */
  async delete(group: string, dryRun: boolean): Promise<Deleted> {
    const { stream, marks, dropped } = this.#keys
    const own = { dead: this.#keys.dead(group), clock: this.#keys.clock(group), tally: this.#keys.tally(group) }
    const args = { group, untoldLeaseMs: this.#untoldLeaseMs, dryRun: Number(dryRun) }
    const more = { keys: this.#keys.groupKeys(group) }
    const reply = await this.#connection.run(DELETE_GROUP, { stream, marks, dropped, ...own }, args, more)
    const [status, ...rest] = reply as [string, ...unknown[]]
    if (status === 'at-work') throw atWorkError(group, rest)
    const [existed, lag, pending, waitingForRetry, deadLetters, freeInMs, ...atWork] = rest as [
      ...[existed: number, lag: number | null, pending: number, parked: number, dead: number, freeInMs: number],
      ...string[],
    ]
    return {
      ...{ existed: existed === 1, lag, pending: pending - waitingForRetry, waitingForRetry, deadLetters },
      ...{ atWork, freeInMs },
    }
  }

  async prune(group: string, idleMs: number, dryRun: boolean): Promise<{ name: string; idleMs: number }[]> {
    const args = { group, idleMs, dryRun: Number(dryRun) }
    const pruned = await this.#connection.run(PRUNE, { stream: this.#keys.stream }, args)
    return (pruned as [string, number][]).map(([name, idle]) => ({ name, idleMs: idle }))
  }

  /** The newest id that the stream has given, how many entries it has been given, how many it holds, and Redis' clock. */
  async #now(): Promise<{ newestId: string; addedBefore: number; length: number; nowMs: number }> {
    const [seconds, micros] = await this.#connection.send<[string, string]>(['TIME'])
    const { stream } = this.#keys
    const info = (await this.#hasStream()) ? infoOf(await this.#connection.send(['XINFO', 'STREAM', stream])) : {}
    const [newestId, addedBefore] = [String(info['last-generated-id'] ?? '0-0'), Number(info['entries-added'] ?? 0)]
    const nowMs = Number(seconds) * 1_000 + Math.floor(Number(micros) / 1_000)
    return { newestId, addedBefore, length: Number(info.length ?? 0), nowMs }
  }

  async #hasStream(): Promise<boolean> {
    return (await this.#connection.send(['EXISTS', this.#keys.stream])) !== 0
  }
}

function atWorkError(group: string, rest: unknown[]): GroupAtWorkError {
  const [freeInMs, ...names] = rest as [number, ...string[]]
  return new GroupAtWorkError(group, names, freeInMs)
}
