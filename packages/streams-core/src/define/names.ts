import { z } from 'zod'

/** Words that follow the stream's name in keys that belong to no single group: no group may have such a name. */
export const RESERVED_GROUPS = ['dedupe', 'marks', 'dropped', 'lock'] as const
export type ReservedWord = (typeof RESERVED_GROUPS)[number]

/** What Redis takes for the hash slot: the text between the first "{" and the next "}", if there is any. */
const HASH_TAG = /^[^{]*\{([^}]+)\}/

/** What is wrong with the name of a stream, if anything is: keys derived from it must be in the slot of the stream. */
export function problemOfStreamName(name: string): string | undefined {
  const isTagged = HASH_TAG.test(name)
  return name.includes('}') && !isTagged
    ? 'a "}" only after a "{" and some text: no other key would share its slot'
    : undefined
}

/** What the keys derived from a stream begin with. */
export function keyPrefixOf(name: string): string {
  const plain = plainNameOf(name)
  if (plain !== undefined) return `${name}:`
  return HASH_TAG.test(name) ? name : `{${name}}`
}

/** For a stream `{x}`: `x`. The keys derived from `x` begin with `{x}:`, those derived from `{x}` with `{x}::`. */
export function plainNameOf(name: string): string | undefined {
  return /^\{([^{}]+)\}$/.exec(name)?.[1]
}

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
