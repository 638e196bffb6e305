import type { DeadLetter, DeadLetters, LetterFilter } from '@redis-streams-processor/streams-core'
import type { z } from 'zod'
import type { Course } from './changes.ts'
import type { lettersQuery, purgeBody, redriveBody } from './requests.ts'

const PAGE = 25

export type LettersPage = Awaited<ReturnType<typeof pageOf>>

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
  const upTo = to ?? (await newestOf(letters))
  const onProgress = (soFar: object) => tell({ to: upTo, ...soFar })
  const range = rangeOf(letterId, upTo)
  return { to: upTo, ...(await letters.redrive({ ...given(options), ...range, again, signal, onProgress })) }
}

/** As `redrive`. */
export async function purge(
  letters: DeadLetters,
  { letterId, to, dryRun, confirm, ...rest }: z.output<typeof purgeBody>,
  { signal, tell }: Course,
) {
  const upTo = to ?? (await newestOf(letters))
  const filter: LetterFilter = { ...given(rest), ...rangeOf(letterId, upTo) }
  const onProgress = (purged: number) => tell({ to: upTo, purged })
  if (!dryRun) return { to: upTo, purged: await letters.purge({ ...filter, confirm, signal, onProgress }) }
  let purged = 0
  for await (const _ of letters.list(filter)) {
    if (signal.aborted) break
    purged += 1
    onProgress(purged)
  }
  return { to: upTo, purged }
}

/** The newest letter there is. Where there is none, an id before all others: letters that come later are not meant. */
async function newestOf(letters: DeadLetters): Promise<string> {
  const { letters: newest } = await letters.page({ limit: 1 })
  return newest[0]?.letterId ?? '0-0'
}

const rangeOf = (letterId: string | undefined, to: string) =>
  letterId === undefined ? { to } : { from: letterId, to: letterId }

/** Without what is undefined, which options with exact types do not take. */
function given<T extends object>(options: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as never
}
