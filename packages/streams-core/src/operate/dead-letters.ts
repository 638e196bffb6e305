import { z } from 'zod'
import { InvalidOptionError, StreamsError } from '../base/errors.ts'
import { neverAborted, sleep } from '../base/loop.ts'
import { DeadLetterBroker } from '../broker/dead-letters.ts'
import { Keys } from '../broker/keys.ts'
import { type DeadLetter, toLetter } from '../broker/letter.ts'
import { redriveFields } from '../define/entry.ts'
import { groupSchema } from '../define/names.ts'
import { parseOptions } from '../define/parse-options.ts'
import type { RedisOptions } from '../define/redis-options.ts'
import { entryIdSchema } from '../define/start-point.ts'
import type { StreamDefinition } from '../define/stream.ts'
import { connect } from './connect.ts'
import { type LetterFilter, matches } from './letter-filter.ts'

export interface LetterSearch extends Omit<LetterFilter, 'from' | 'to'> {
  /** Letters older than this one: `before` of the page before. Default: from the newest on. */
  before?: string
  /** Letters on the page, at most. 1 to 1,000. Default 50. */
  limit?: number
}

export interface LetterPage {
  /** Newest first. */
  letters: DeadLetter[]
  /** Where the next page goes on. Undefined: there is none. */
  before: string | undefined
}

/** For work that may take long. */
export interface LongWork<R> {
  /** Ends the work after the letter that it is at; what is done stays done. Default: never. */
  signal?: AbortSignal
  /** Is told after each letter what has been done so far. */
  onProgress?: (soFar: R) => void
}

export interface RedriveOptions extends LetterFilter, LongWork<RedriveResult> {
  /** Redrive letters that had been redriven before, too. Default false. */
  again?: boolean
  /** Only count. Default false. */
  dryRun?: boolean
  /** Letters a second, at most. Default: no limit. */
  maxPerSecond?: number
}

export interface RedriveResult {
  /** Letters sent back; in a dry run, letters that would be sent back. */
  redriven: number
  /** Letters left where they are, because they had been redriven before, or cannot be read. */
  skipped: number
  /** Those of the skipped ones that cannot be read: the others had been redriven before. */
  unreadable: number
  /** The last letter that was meant. Given the `to` of a dry run, a redrive leaves alone what has died since. */
  to: string
}

export interface PurgeOptions extends LetterFilter, LongWork<PurgeResult> {
  /** The name of the group. Needed unless `dryRun`. */
  confirm?: string
  /** Only count. Default false. */
  dryRun?: boolean
}

export interface PurgeResult {
  /** Letters deleted; in a dry run, letters that would be deleted. */
  purged: number
  /** The last letter that was meant. Given the `to` of a dry run, a purge leaves alone what has died since. */
  to: string
}

export interface DeadLetters {
  count(): Promise<number>
  /** Oldest first. */
  list(filter?: LetterFilter): AsyncGenerator<DeadLetter>
  /**
   * Newest first, page by page. At most 1,000 letters are looked at for one page: a page may hold less than `limit`, or
   * nothing, and still say where the next one goes on.
   * @throws {InvalidOptionError} naming option, range and value.
   */
  page(search?: LetterSearch): Promise<LetterPage>
  get(letterId: string): Promise<DeadLetter | undefined>
  /** Sends letters back to the stream, where only this group handles them. Each moves in one step. */
  redrive(options?: RedriveOptions): Promise<RedriveResult>
  /**
   * Sends one letter back. Returns its new entry id, or undefined when the letter is gone.
   * @throws {StreamsError} `UNREADABLE_LETTER`: the entry was not written by this library.
   */
  redriveOne(letterId: string): Promise<string | undefined>
  /**
   * Deletes letters for good.
   * @throws {InvalidOptionError} when `confirm` is not the name of the group.
   */
  purge(options: PurgeOptions): Promise<PurgeResult>
  /** Deletes one letter for good. Returns whether it was there. */
  purgeOne(letterId: string): Promise<boolean>
  close(): Promise<void>
}

/** Letters that are looked at for one page. */
const MAX_LOOKED = 1_000

const pagingSchema = z.object({
  before: entryIdSchema.optional(),
  limit: z.int().min(1).max(MAX_LOOKED).default(50),
})

/**
 * Opens the dead letters of one group. Nothing of the stream's catalog is needed to look at them.
 * @throws {InvalidOptionError} naming option, range and value.
 */
export function openDeadLetters(
  stream: Pick<StreamDefinition, 'name'>,
  options: { redis: RedisOptions; group: string },
): DeadLetters {
  const { group } = parseOptions('openDeadLetters', z.object({ group: groupSchema }), options)
  const { connection, ready, close } = connect(options, 'dead-letters')
  const broker = new DeadLetterBroker(connection, new Keys(stream.name), group)

  async function* list(filter: LetterFilter = {}): AsyncGenerator<DeadLetter> {
    await ready()
    for await (const [letterId, fields] of broker.list(filter)) {
      const letter = toLetter(letterId, group, fields)
      if (matches(letter, filter)) yield letter
    }
  }

  const redriveOne = ({ letterId, redrives, entryId }: DeadLetter): Promise<string | undefined> =>
    broker.redrive(letterId, redriveFields({ group, times: redrives + 1, of: entryId }))

  return {
    list,
    async page(search = {}) {
      const { before, limit } = parseOptions('page', pagingSchema, search)
      await ready()
      const letters: DeadLetter[] = []
      let [looked, lastId] = [0, '']
      for await (const [letterId, fields] of broker.listBack(before)) {
        // There is a next page only if something is left for it.
        if (looked === MAX_LOOKED) return { letters, before: lastId }
        const letter = toLetter(letterId, group, fields)
        if (matches(letter, search)) {
          if (letters.length === limit) return { letters, before: lastId }
          letters.push(letter)
        }
        looked += 1
        lastId = letterId
      }
      return { letters, before: undefined }
    },
    async count() {
      await ready()
      return broker.count()
    },
    async get(letterId) {
      await ready()
      const fields = await broker.get(letterId)
      return fields && toLetter(letterId, group, fields)
    },
    async redriveOne(letterId) {
      const letter = await this.get(letterId)
      if (letter?.reason === 'unreadable') {
        throw new StreamsError('UNREADABLE_LETTER', `redriveOne: letter ${letterId} was not written by this library`)
      }
      return letter && redriveOne(letter)
    },
    async redrive({ again = false, dryRun = false, maxPerSecond, signal = neverAborted, onProgress, ...filter } = {}) {
      await ready()
      const result = { redriven: 0, skipped: 0, unreadable: 0, to: filter.to ?? (await broker.newestId()) }
      for await (const letter of list({ ...filter, to: result.to })) {
        if (signal.aborted) break
        const isSkipped = letter.reason === 'unreadable' || (letter.redrives > 0 && !again)
        if (letter.reason === 'unreadable') result.unreadable += 1
        if (isSkipped) result.skipped += 1
        else if (dryRun || (await redriveOne(letter)) !== undefined) result.redriven += 1
        onProgress?.({ ...result })
        if (maxPerSecond && !dryRun && !isSkipped) await sleep(1_000 / maxPerSecond, signal)
      }
      return result
    },
    async purge({ confirm, dryRun = false, signal = neverAborted, onProgress, ...filter }) {
      if (!dryRun && confirm !== group) {
        throw new InvalidOptionError(`purge: expected confirm to be the group's name ${group}, got ${confirm}`)
      }
      await ready()
      const result: PurgeResult = { purged: 0, to: filter.to ?? (await broker.newestId()) }
      for await (const { letterId } of list({ ...filter, to: result.to })) {
        if (signal.aborted) break
        if (dryRun || (await broker.delete(letterId))) result.purged += 1
        onProgress?.({ ...result })
      }
      return result
    },
    async purgeOne(letterId) {
      await ready()
      return broker.delete(letterId)
    },
    close,
  }
}
