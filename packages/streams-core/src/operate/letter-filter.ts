import type { DeadLetter } from '../broker/letter.ts'

export interface LetterFilter {
  eventType?: string
  reason?: DeadLetter['reason']
  /** Died at least this many milliseconds ago. */
  olderThanMs?: number
  /** Died at most this many milliseconds ago. */
  youngerThanMs?: number
  /** Found in an id, the type, the error, the consumer, or a field of the entry; capital letters make no difference. */
  text?: string
  /** The first letter id. Default: the oldest. */
  from?: string
  /** The last letter id: with that of the newest letter, what dies later is not meant. Default: the newest. */
  to?: string
}

export function matches(
  letter: DeadLetter,
  { eventType, reason, olderThanMs, youngerThanMs, text }: LetterFilter,
): boolean {
  // A letter whose time of death is not known matches no limit of age.
  const ageMs = letter.diedAt === undefined ? Number.NaN : Date.now() - Date.parse(letter.diedAt)
  return (
    (eventType === undefined || letter.eventType === eventType) &&
    (reason === undefined || letter.reason === reason) &&
    (olderThanMs === undefined || ageMs >= olderThanMs) &&
    (youngerThanMs === undefined || ageMs <= youngerThanMs) &&
    (text === undefined || holds(letter, text.toLowerCase()))
  )
}

function holds({ history, fields, ...letter }: DeadLetter, words: string): boolean {
  return (
    words === '' || [...Object.values(letter), ...fields].some((text) => String(text).toLowerCase().includes(words))
  )
}
