import { z } from 'zod'

/** Words that follow the stream's name in keys that belong to no single group: no group may have such a name. */
export const RESERVED_GROUPS = ['dedupe', 'marks', 'dropped', 'lock'] as const
export type ReservedWord = (typeof RESERVED_GROUPS)[number]

/** The name of a consumer group. */
export const groupSchema = z
  .string()
  .regex(/^[\w.-]{1,128}$/, '1 to 128 letters, digits, "_", "-" or "."')
  .refine(
    (group) => !(RESERVED_GROUPS as readonly string[]).includes(group),
    `not one of ${RESERVED_GROUPS.join(', ')}`,
  )

/** The name of one consumer in its group. */
export const consumerNameSchema = z
  .string()
  .regex(/^[^~\s]{1,200}$/, '1 to 200 characters, neither "~" nor white space')
