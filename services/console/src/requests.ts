import { entryIdSchema, groupSchema, letterReasons } from '@redis-streams-processor/streams-core/settings'
import { z } from 'zod'

// What requests must hold. Whatever is not named here is refused.

const text = (max: number) => z.string().trim().min(1).max(max)
const dryRun = z.boolean()

export const groupParams = z.strictObject({ group: groupSchema })
export const entryParams = z.strictObject({ entryId: entryIdSchema })
export const letterParams = z.strictObject({ group: groupSchema, letterId: entryIdSchema })

const filter = {
  eventType: text(200).optional(),
  reason: z.enum(letterReasons).optional(),
  text: text(200).optional(),
}

export const lettersQuery = z.strictObject({
  ...filter,
  before: entryIdSchema.optional(),
})

export const pauseBody = z.strictObject({
  dryRun,
  eventType: text(200).optional(),
  reason: text(500).optional(),
})
export const resumeBody = z.strictObject({ dryRun, eventType: text(200).optional() })

/** One letter; or those that were there when they were counted: up to `to`. */
const which = { letterId: entryIdSchema.optional(), to: entryIdSchema.optional(), ...filter }
export const redriveBody = z.strictObject({
  ...which,
  dryRun,
  again: z.boolean().default(false),
  maxPerSecond: z.number().positive().max(10_000).optional(),
})
/** `confirm`: the name of the group, which the operator has typed. */
export const purgeBody = z.strictObject({ ...which, dryRun, confirm: z.string() })

export const loginBody = z.strictObject({ token: z.string() })

/** The group to look into. Groups that were created by hand may have any name. */
export const liveQuery = z.strictObject({ group: z.string().min(1).max(500).optional() })

/** `again`: `yes` for what is shown already. */
export const findQuery = z.strictObject({ id: text(1_000), again: z.enum(['yes', 'no']).default('no') })

export const replayBody = z.strictObject({
  dryRun,
  from: z.union(
    [
      z.enum(['beginning', 'end']),
      z.strictObject({ entryId: entryIdSchema }),
      z.strictObject({ time: z.int().min(0) }),
    ],
    { error: 'expected beginning, end, { entryId } with an entry id, or { time } in milliseconds since 1970' },
  ),
})
