import { z } from 'zod'
import { Connection, type RedisOptions } from './broker/connection.ts'
import { DeadLetterBroker } from './broker/dead-letters.ts'
import { Keys } from './broker/keys.ts'
import { type Fields, fieldOf, REDRIVE_FOR, REDRIVES } from './entry.ts'
import { InvalidOptionError } from './errors.ts'
import { timeOf } from './id.ts'
import { never, sleep } from './loop.ts'
import { groupSchema, parseOptions } from './options.ts'
import type { StreamDefinition } from './stream.ts'

/** One failed delivery. A delivery that ended with the process left no line. */
export interface FailedDelivery {
  attempt: number
  /** RFC 3339. */
  at: string
  consumer: string
  error: string
}

/** An event that was set aside, with its reason. */
export interface DeadLetter {
  letterId: string
  /** The entry it was. */
  entryId: string
  group: string
  consumer: string
  reason: 'malformed' | 'rejected' | 'exhausted' | 'crashed' | 'commit-failed'
  error: string
  deliveries: number
  /** How often it had come back from the dead letters before this death. */
  redrives: number
  /** When it was published, by the server's clock. RFC 3339. */
  publishedAt: string
  /** RFC 3339. */
  diedAt: string
  history: FailedDelivery[]
  /** Undefined where a malformed entry has none. */
  eventId: string | undefined
  eventType: string | undefined
  /** The entry's own fields, flat: field, value, field, value … */
  fields: Fields
}

export interface LetterFilter {
  eventType?: string
  reason?: DeadLetter['reason']
  /** Died at least this long ago. */
  olderThanMs?: number
  /** Died at most this long ago. */
  youngerThanMs?: number
}

export interface RedriveOptions extends LetterFilter {
  /** Redrive letters that had been redriven before, too. Default false. */
  again?: boolean
  /** Only count. Default false. */
  dryRun?: boolean
  /** At most so many a second. Default: no limit. */
  maxPerSecond?: number
}

export interface RedriveResult {
  /** Sent back; in a dry run: that would be. */
  redriven: number
  /** Left where they are, because they had been redriven before. */
  skipped: number
}

export interface DeadLetters {
  count(): Promise<number>
  /** Oldest first. */
  list(filter?: LetterFilter): AsyncGenerator<DeadLetter>
  get(letterId: string): Promise<DeadLetter | undefined>
  /** Sends letters back to the stream, where only this group handles them. Each moves in one step. */
  redrive(options?: RedriveOptions): Promise<RedriveResult>
  /** Sends one letter back. Returns its new entry id, or undefined when the letter is gone. */
  redriveOne(letterId: string): Promise<string | undefined>
  /** Deletes letters for good. `confirm` must be the group's name. */
  purge(options: LetterFilter & { confirm: string }): Promise<number>
  close(): Promise<void>
}

/**
 * Opens the dead letters of one group. Nothing of the stream's catalog is needed to look at them.
 * @throws {InvalidOptionError} naming option, range and value.
 */
export function openDeadLetters(
  stream: Pick<StreamDefinition, 'name'>,
  options: { redis: RedisOptions; group: string },
): DeadLetters {
  const { group } = parseOptions('openDeadLetters', z.object({ group: groupSchema }), options)
  const connection = new Connection({ redis: options.redis, name: 'dead-letters' })
  const broker = new DeadLetterBroker(connection, new Keys(stream.name), group)

  /** Waits a while for Redis; without it, the command that follows says so. */
  const connected = () => connection.ready(AbortSignal.timeout(5_000))

  async function* list(filter: LetterFilter = {}): AsyncGenerator<DeadLetter> {
    await connected()
    for await (const [letterId, fields] of broker.list()) {
      const letter = toLetter(letterId, fields)
      if (matches(letter, filter)) yield letter
    }
  }

  async function redriveOne(letter: Pick<DeadLetter, 'letterId' | 'redrives'>): Promise<string | undefined> {
    const add = [REDRIVE_FOR, group, REDRIVES, String(letter.redrives + 1)]
    return broker.redrive(letter.letterId, OUR_VALUES, add)
  }

  return {
    list,
    async count() {
      await connected()
      return broker.count()
    },
    async get(letterId) {
      await connected()
      const fields = await broker.get(letterId)
      return fields && toLetter(letterId, fields)
    },
    async redriveOne(letterId) {
      const letter = await this.get(letterId)
      return letter && redriveOne(letter)
    },
    async redrive({ again = false, dryRun = false, maxPerSecond, ...filter } = {}) {
      const result: RedriveResult = { redriven: 0, skipped: 0 }
      for await (const letter of list(filter)) {
        if (letter.redrives > 0 && !again) {
          result.skipped += 1
          continue
        }
        if (dryRun || (await redriveOne(letter)) !== undefined) result.redriven += 1
        if (maxPerSecond && !dryRun) await sleep(1_000 / maxPerSecond, never)
      }
      return result
    },
    async purge({ confirm, ...filter }) {
      if (confirm !== group) {
        throw new InvalidOptionError(`purge: expected confirm to be the group's name ${group}, got ${confirm}`)
      }
      let purged = 0
      for await (const letter of list(filter)) if (await broker.delete(letter.letterId)) purged += 1
      return purged
    },
    close: () => connection.close(),
  }
}

/** `letter` and `history` with their values stand before the entry's own fields. */
const OUR_VALUES = 4

function toLetter(letterId: string, all: Fields): DeadLetter {
  const fields = all.slice(OUR_VALUES)
  const about = JSON.parse(all[1] as string)
  const lines = (all[3] as string).split('\n').filter(Boolean)
  return {
    letterId,
    ...about,
    publishedAt: new Date(timeOf(about.entryId)).toISOString(),
    history: lines.map((line) => JSON.parse(line)),
    eventId: fieldOf(fields, 'id'),
    eventType: fieldOf(fields, 'type'),
    fields,
  }
}

function matches(letter: DeadLetter, { eventType, reason, olderThanMs, youngerThanMs }: LetterFilter): boolean {
  const ageMs = Date.now() - Date.parse(letter.diedAt)
  return (
    (eventType === undefined || letter.eventType === eventType) &&
    (reason === undefined || letter.reason === reason) &&
    (olderThanMs === undefined || ageMs >= olderThanMs) &&
    (youngerThanMs === undefined || ageMs <= youngerThanMs)
  )
}
