import type { DeadLetter, DeadLetters } from '@redis-streams-processor/streams-core'
import type { z } from 'zod'
import type { Course } from './changes.ts'
import type { lettersQuery, purgeBody, redriveBody } from './requests.ts'

/** Letters on a page. */
export const PAGE = 25

/** Newest first, page by page. */
export async function pageOf(letters: DeadLetters, search: z.output<typeof lettersQuery>) {
  const page = await letters.page({ ...given(search), limit: PAGE })
  return { letters: page.letters.map(inShort), before: page.before }
}

/** Without the fields of the entry: a payload is shown when somebody asks for it. */
export function inShort({ fields, ...letter }: DeadLetter) {
  return letter
}

/** @returns What was done, and up to which letter: a change is given the `to` of the dry run that was confirmed. */
export async function redrive(
  letters: DeadLetters,
  { letterId, to, ...options }: z.output<typeof redriveBody>,
  { signal, tell }: Course,
) {
  // Somebody who points at one letter means it, however often it was redriven.
  const again = options.again || letterId !== undefined
  return letters.redrive({ ...given(options), ...given(rangeOf(letterId, to)), again, signal, onProgress: tell })
}

/** As `redrive`. */
export async function purge(
  letters: DeadLetters,
  { letterId, to, ...options }: z.output<typeof purgeBody>,
  { signal, tell }: Course,
) {
  return letters.purge({ ...given(options), ...given(rangeOf(letterId, to)), signal, onProgress: tell })
}

const rangeOf = (letterId: string | undefined, to: string | undefined) =>
  letterId === undefined ? { to } : { from: letterId, to: letterId }

/** Without what is undefined, which options with exact types do not take. */
function given<T extends object>(options: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as never
}
