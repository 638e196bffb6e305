import type { DeadLetter, DeadLetters, LetterFilter } from '@redis-streams-processor/streams-core'
import type { z } from 'zod'
import type { lettersQuery, purgeBody, redriveBody } from './requests.ts'

const PAGE = 25

/** Newest first, page by page. */
export async function pageOf(letters: DeadLetters, search: z.output<typeof lettersQuery>) {
  const page = await letters.page({ ...given(search), limit: PAGE })
  return { letters: page.letters.map(inShort), before: page.before }
}

/** Without the fields of the entry: a payload is shown when somebody asks for it. */
function inShort({ fields, ...letter }: DeadLetter) {
  return letter
}

export async function redrive(letters: DeadLetters, { letterId, to, ...options }: z.output<typeof redriveBody>) {
  // Somebody who points at one letter means it, however often it was redriven.
  const again = options.again || letterId !== undefined
  return letters.redrive({ ...given(options), again, ...rangeOf(letterId, to) })
}

export async function purge(letters: DeadLetters, body: z.output<typeof purgeBody>) {
  const { letterId, to, dryRun, confirm, ...rest } = body
  const filter: LetterFilter = { ...given(rest), ...rangeOf(letterId, to) }
  if (!dryRun) return { purged: await letters.purge({ ...filter, confirm }) }
  let purged = 0
  for await (const _ of letters.list(filter)) purged += 1
  return { purged }
}

/** The newest letter there is, up to which a dry run has counted. */
export async function newestOf(letters: DeadLetters): Promise<string | undefined> {
  return (await letters.page({ limit: 1 })).letters[0]?.letterId
}

const rangeOf = (letterId: string | undefined, to: string | undefined) => {
  if (letterId !== undefined) return { from: letterId, to: letterId }
  return to === undefined ? {} : { to }
}

/** Without what is undefined, which options with exact types do not take. */
function given<T extends object>(options: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as never
}
