import { z } from 'zod'
import { retentionLimits } from './limits.ts'
import { groupSchema } from './names.ts'
import { whole } from './parse-options.ts'

/** When entries may be trimmed. The producers and the consumers of a stream must define the same retention. */
export type Retention = AcknowledgedRetention | MaxlenRetention

/** Nothing is trimmed that some group has not acknowledged. The default. */
export interface AcknowledgedRetention {
  policy?: 'acknowledged'
  /**
   * Entries that the stream may hold: a publish beyond it rejects with `StreamFullError`. 0: no cap.
   * 0 to 9,007,199,254,740,991. Default 0.
   */
  maxLength?: number
  /**
   * Newest entries that stay although every group has acknowledged them, to be read again. Below `maxLength` when there
   * is a cap. 0 to 9,007,199,254,740,991. Default 0.
   */
  keepAtLeast?: number
  /**
   * How long an entry stays at least although every group has acknowledged it, to be read again; counted from the time
   * in its entry id. Gives way to `maxLength`: at the cap, a publish trims the oldest acknowledged entries all the same.
   * Milliseconds, 0 to 31,536,000,000. Default 0.
   */
  keepForMs?: number
  /** Groups that must exist: nothing is trimmed before all of them do. Default: none. */
  groups?: string[]
  /**
   * A warning names a group whose oldest unacknowledged entry has stayed the same for this long.
   * Milliseconds, 1,000 to 86,400,000. Default 60,000.
   */
  warnAfterMs?: number
}

/**
 * Lossy: the oldest entries are trimmed whether or not a group still needs them. Entries that a group had not
 * acknowledged are counted.
 */
export interface MaxlenRetention {
  policy: 'maxlen'
  /** Entries that the stream keeps, about. 1 to 9,007,199,254,740,991. Default 10,000. */
  maxLength?: number
  /**
   * A warning names a group whose oldest unacknowledged entry has stayed the same for this long.
   * Milliseconds, 1,000 to 86,400,000. Default 60,000.
   */
  warnAfterMs?: number
}

export const acknowledgedSchema = z.strictObject({
  policy: z.literal('acknowledged').default('acknowledged'),
  maxLength: whole(retentionLimits.maxLength),
  keepAtLeast: whole(retentionLimits.keepAtLeast),
  keepForMs: whole(retentionLimits.keepForMs),
  groups: z.array(groupSchema).default([]),
  warnAfterMs: whole(retentionLimits.warnAfterMs),
})

const maxlen = z.strictObject({
  policy: z.literal('maxlen'),
  maxLength: whole(retentionLimits.lossyMaxLength),
  warnAfterMs: whole(retentionLimits.warnAfterMs),
})

export const retentionSchema = z
  .union([maxlen, acknowledgedSchema])
  .refine(
    (r) => r.policy === 'maxlen' || r.maxLength === 0 || r.keepAtLeast < r.maxLength,
    'keepAtLeast must be below maxLength',
  )

/** `Retention` with its defaults filled in. */
export type ParsedRetention = z.output<typeof retentionSchema>

/** What the retention keeps although every group has acknowledged it, and the groups that it waits for. */
export function keptBy(retention: ParsedRetention): { keepAtLeast: number; keepForMs: number; groups: string[] } {
  return retention.policy === 'acknowledged' ? retention : { keepAtLeast: 0, keepForMs: 0, groups: [] }
}
