import { z } from 'zod'
import type { Fields } from '../define/entry.ts'
import type { DeadLetterReason } from '../define/outcome.ts'

// How a dead letter is stored: two fields of ours, `letter` and `history`, then the entry's own fields byte for byte.
// What is written here is read here.

/** The names of our two fields, for the script that writes the letter. */
export const LETTER_FIELD = 'letter'
export const HISTORY_FIELD = 'history'
/** How many fields and values stand before the entry's own. */
export const OUR_WORDS = 4

const MAX_ERROR_LENGTH = 1_000

const reasons = {
  malformed: true,
  rejected: true,
  exhausted: true,
  crashed: true,
  'commit-failed': true,
} as const satisfies Record<DeadLetterReason, true>

const headSchema = z.object({
  entryId: z.string(),
  group: z.string(),
  consumer: z.string(),
  reason: z.enum(Object.keys(reasons) as [DeadLetterReason, ...DeadLetterReason[]]),
  error: z.string(),
  deliveries: z.int(),
  // Older versions copied this from the entry unchecked, and anybody may have written the entry.
  redrives: z.int().catch(0),
  diedAt: z.string(),
})
/** What the dead letter says of itself. */
export type LetterHead = z.output<typeof headSchema>

/** One failed delivery of an event. A delivery that ended with the process left no line. */
export interface FailedDelivery {
  attempt: number
  /** RFC 3339. */
  at: string
  consumer: string
  error: string
}

const failureSchema: z.ZodType<FailedDelivery> = z.object({
  attempt: z.int(),
  at: z.string(),
  consumer: z.string(),
  error: z.string(),
})

export interface StoredLetter extends LetterHead {
  history: FailedDelivery[]
  fields: Fields
}

const shortened = (error: string) => error.slice(0, MAX_ERROR_LENGTH)

export function encodeHead(head: LetterHead): string {
  return JSON.stringify({ ...head, error: shortened(head.error) } satisfies LetterHead)
}

/** One line of a history; the script joins the lines. */
export function encodeFailure(failure: FailedDelivery): string {
  return JSON.stringify({ ...failure, error: shortened(failure.error) } satisfies FailedDelivery)
}

/** Undefined: the entry is no letter of ours. Anybody may have appended it. */
export function decodeLetter(all: Fields): StoredLetter | undefined {
  const [letterName, head = '', historyName, history = ''] = all
  if (letterName !== LETTER_FIELD || historyName !== HISTORY_FIELD) return undefined
  try {
    return {
      ...headSchema.parse(JSON.parse(head)),
      history: decodeHistory(history),
      fields: all.slice(OUR_WORDS),
    }
  } catch {
    return undefined
  }
}

/** @throws an error where somebody else has written it. */
export function decodeHistory(history: string): FailedDelivery[] {
  const lines = history.split('\n').filter(Boolean)
  return lines.map((line) => failureSchema.parse(JSON.parse(line)))
}
