import { z } from 'zod'
import { compareIds, idBefore, isEntryId } from '../base/entry-id.ts'
import { InvalidOptionError } from '../base/errors.ts'

/**
 * Where a group starts to read. `beginning`: with the oldest entry that the stream still holds. `end`: with what is
 * appended from now on. Otherwise with the entry of this id; with the first one that was appended at this time (a Date, or
 * milliseconds since 1970) or so many milliseconds ago, by Redis' clock, or later; or with what comes after an id, such as
 * `startsAfter` of a dry run.
 */
export type StartPoint =
  | ('beginning' | 'end')
  | ({ entryId: string } | { after: string } | { time: Date | number } | { agoMs: number })

export const entryIdSchema = z.string().refine(isEntryId, 'an entry id such as 1764043200123-0')

export const startPointSchema: z.ZodType<StartPoint> = z.union([
  z.enum(['beginning', 'end']),
  z.strictObject({ entryId: entryIdSchema }),
  z.strictObject({ after: entryIdSchema }),
  z.strictObject({ time: z.union([z.date(), z.int().min(0)]) }),
  z.strictObject({ agoMs: z.int().min(0) }),
])

/**
 * The id after which the group reads.
 * @param newestId The newest id that the stream has given.
 * @param nowMs Redis' clock.
 * @throws {InvalidOptionError} when the start lies ahead: the group would never be given what is appended before it.
 */
export function startIdOf(from: StartPoint, { newestId, nowMs }: { newestId: string; nowMs: number }): string {
  if (from === 'beginning') return '0-0'
  if (from === 'end') return newestId
  if ('entryId' in from || 'after' in from) {
    const [id, name, given] =
      'entryId' in from ? [idBefore(from.entryId), 'entryId', from.entryId] : [from.after, 'after', from.after]
    if (compareIds(id, newestId) <= 0) return id
    throw new InvalidOptionError(`from.${name}: expected at most the newest id ${newestId}, got ${given}`)
  }
  const ms = 'agoMs' in from ? Math.max(0, nowMs - from.agoMs) : Number(from.time)
  if (ms > nowMs) throw new InvalidOptionError(`from.time: expected a time that has come, got ${new Date(ms).toJSON()}`)
  const id = idBefore(`${ms}-0`)
  return compareIds(id, newestId) <= 0 ? id : newestId
}
