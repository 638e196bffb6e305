import { compareIds, idBefore } from '../base/entry-id.ts'
import { GroupAtWorkError, StreamsError } from '../base/errors.ts'
import { type StartPoint, startIdOf } from '../define/start-point.ts'
import type { Connection } from './connection.ts'
import { countEntries } from './count.ts'
import { type Info, infosOf } from './infos.ts'
import type { Keys } from './keys.ts'
import { DELETE_GROUP, PRUNE, START } from './scripts/groups.ts'

/** Pending entries that one command counts. */
const PAGE = 1_000

export interface Started {
  /** False: the group is new. */
  existed: boolean
  /** The group reads what comes after this id. */
  startsAfter: string
  toHandle: number
  skipped: number
  dropped: number
  oldestEntryId: string | undefined
  isStartTrimmed: boolean
  atWork: string[]
  freeInMs: number
}

export interface Deleted {
  existed: boolean
  /** Null: Redis does not know it. */
  lag: number | null
  pending: number
  waitingForRetry: number
  deadLetters: number
  atWork: string[]
  freeInMs: number
}

interface Survey {
  /** Of the group; undefined where there is none. */
  position: { deliveredTo: string; pending: number } | undefined
  skipped: number
}

/** What an operator does to a whole group. */
export class GroupsBroker {
  readonly #connection: Connection
  readonly #keys: Keys
  readonly #leaseMs: number

  /** @param leaseMs A consumer that has shown no sign of life for so long is dead. */
  constructor(connection: Connection, keys: Keys, leaseMs: number) {
    this.#connection = connection
    this.#keys = keys
    this.#leaseMs = leaseMs
  }

  /**
   * Puts a group at a start. What is long to count is counted before, page by page; the script that writes adds what has
   * come since, and refuses figures that are no longer true.
   * @throws {GroupAtWorkError} while consumers of the group are at work.
   * @throws {StreamsError} `GROUP_EXISTS`.
   */
  async start(group: string, from: StartPoint, { mustBeNew, dryRun }: { mustBeNew: boolean; dryRun: boolean }) {
    const { stream, marks } = this.#keys
    const retries = {
      history: this.#keys.history(group),
      due: this.#keys.due(group),
      dueScan: this.#keys.dueScan(group),
    }
    const keys = { stream, marks, ...retries, clock: this.#keys.clock(group), lastStart: this.#keys.lastStart(group) }
    const { newestId, addedBefore, nowMs } = await this.#now()
    const start = startIdOf(from, { newestId, nowMs })
    const flags = { leaseMs: this.#leaseMs, mustBeNew: Number(mustBeNew), dryRun: Number(dryRun) }
    for (;;) {
      const survey = await this.#survey(group, start)
      const after = { ...(await this.#countAfter(start, newestId)), addedBefore }
      const { deliveredTo = '', pending = 0 } = survey.position ?? {}
      const reply = await this.#connection.run(START, keys, { group, start, ...flags, deliveredTo, pending, ...after })
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
        ...{ existed: existed === 1, startsAfter: start, toHandle, skipped: survey.skipped, dropped },
        ...{ oldestEntryId: oldest ?? undefined, isStartTrimmed: gone > 0 && isBeforeAll, atWork, freeInMs },
      } satisfies Started
    }
  }

  /** @throws {GroupAtWorkError} while consumers of the group are at work. */
  async delete(group: string, dryRun: boolean): Promise<Deleted> {
    const { stream, marks, dropped } = this.#keys
    const [dead, clock] = [this.#keys.dead(group), this.#keys.clock(group)]
    const args = { group, leaseMs: this.#leaseMs, dryRun: Number(dryRun) }
    const more = { keys: this.#keys.groupKeys(group) }
    const reply = await this.#connection.run(DELETE_GROUP, { stream, marks, dropped, dead, clock }, args, more)
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

  /** The newest id that the stream has given, how many entries it has been given, and Redis' clock. */
  async #now(): Promise<{ newestId: string; addedBefore: number; nowMs: number }> {
    const [seconds, micros] = await this.#connection.send<[string, string]>(['TIME'])
    const info = await this.#info()
    const [newestId, addedBefore] = [String(info?.['last-generated-id'] ?? '0-0'), Number(info?.['entries-added'] ?? 0)]
    return { newestId, addedBefore, nowMs: Number(seconds) * 1_000 + Math.floor(Number(micros) / 1_000) }
  }

  async #info(): Promise<Info | undefined> {
    if ((await this.#connection.send(['EXISTS', this.#keys.stream])) === 0) return undefined
    const flat = await this.#connection.send<(string | number)[]>(['XINFO', 'STREAM', this.#keys.stream])
    const info: Info = {}
    for (let i = 0; i + 1 < flat.length; i += 2) info[String(flat[i])] = flat[i + 1] as string | number
    return info
  }

  /** Where the group is, and how many entries up to the start it has not acknowledged. */
  async #survey(group: string, start: string): Promise<Survey> {
    const { stream } = this.#keys
    if ((await this.#info()) === undefined) return { position: undefined, skipped: 0 }
    const found = (await infosOf(this.#connection, ['XINFO', 'GROUPS', stream])).find(({ name }) => name === group)
    if (!found) return { position: undefined, skipped: 0 }
    const [deliveredTo, pending] = [String(found['last-delivered-id']), Number(found.pending)]
    const open = pending === 0 ? 0 : await this.#countPending(group, start)
    const isAhead = compareIds(deliveredTo, start) < 0
    const counting = { after: deliveredTo, upTo: start }
    const unread = isAhead ? (await countEntries(this.#connection, stream, counting)).count : 0
    return { position: { deliveredTo, pending }, skipped: open + unread }
  }

  async #countPending(group: string, upTo: string): Promise<number> {
    let count = 0
    for (let from = '-'; ; ) {
      const command = ['XPENDING', this.#keys.stream, group, from, upTo, PAGE]
      const page = await this.#connection.send<[id: string][]>(command)
      count += page.length
      const last = page.at(-1)
      if (!last || page.length < PAGE || last[0] === upTo) return count
      from = `(${last[0]}`
    }
  }

  /** Counts the entries after the start, those that come meanwhile excepted; and says which is the first of them. */
  async #countAfter(start: string, upTo: string): Promise<{ first: string; counted: number }> {
    const { stream } = this.#keys
    const firstAfter = async (from: string) => {
      const page = await this.#connection.send<[id: string][]>(['XRANGE', stream, from, '+', 'COUNT', 1])
      return page[0]?.[0] ?? ''
    }
    const first = await firstAfter(`(${start}`)
    // All of the stream: the script knows its length.
    if (first === '' || first === (await firstAfter('-'))) return { first, counted: 0 }
    return { first, counted: (await countEntries(this.#connection, stream, { after: start, upTo })).count }
  }
}

function atWorkError(group: string, rest: unknown[]): GroupAtWorkError {
  const [freeInMs, ...names] = rest as [number, ...string[]]
  return new GroupAtWorkError(group, names, freeInMs)
}
