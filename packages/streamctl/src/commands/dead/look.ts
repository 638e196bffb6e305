import { compareIds, type DeadLetter, type DeadLetters, type LetterFilter } from '@redis-streams-processor/streams-core'
import type { DataOf } from '../../data.ts'
import { errorLines } from '../../show/errors.ts'
import { letterLines } from '../../show/letter.ts'
import { table } from '../../show/table.ts'
import { agoOf } from '../../show/words.ts'
import { groupsOf } from '../../tool/choose-group.ts'
import { Failure } from '../../tool/failure.ts'
import type { Tool } from '../../tool/tool.ts'
import { type Filter, filterOf, noLetter, using } from './letters.ts'

const PAGE = 1_000

/** Without the fields of the entry, which hold the data of the event. */
const withoutPayload = ({ fields, ...letter }: DeadLetter): DataOf<'dead show'> => letter

export async function list(tool: Tool<'dead list'>, { limit, ...given }: Filter & { limit: number }): Promise<void> {
  const found: DataOf<'dead show'>[] = []
  for (const group of await groupsOf(tool, given.group)) {
    const ofGroup = await using(tool, group, (letters) => newestOf(letters, filterOf(given), limit + 1))
    found.push(...ofGroup.map(withoutPayload))
  }
  const shown = found.sort((a, b) => compareIds(b.letterId, a.letterId)).slice(0, limit)
  const hasMore = found.length > limit
  tool.show({ letters: shown, hasMore }, (width) => {
    if (shown.length === 0) return ['no dead letters']
    const lines = table(
      [
        { title: 'LETTER', of: ({ letterId }) => letterId },
        { title: 'ENTRY', of: ({ entryId }) => entryId || '(unknown)' },
        { title: 'GROUP', of: ({ group }) => group, min: 5 },
        { title: 'TYPE', of: ({ eventType }) => eventType ?? '(none)', min: 5 },
        { title: 'REASON', of: ({ reason }) => reason, min: 8 },
        { title: 'DIED', of: ({ diedAt }) => agoOf(diedAt) },
      ],
      shown,
      width,
    )
    const died = shown.map(({ letterId, error }) => ({ id: letterId, error }))
    return [...lines, ...errorLines(died, 'died', width), ...(hasMore ? ['and more: --limit, or a filter'] : [])]
  })
}

/** Page by page: a page holds 1,000 letters at most, and may hold less than it looks at. */
async function newestOf(letters: DeadLetters, filter: LetterFilter, limit: number): Promise<DeadLetter[]> {
  const found: DeadLetter[] = []
  let before: string | undefined
  do {
    const search = { ...filter, ...(before !== undefined && { before }), limit: Math.min(PAGE, limit - found.length) }
    const page = await letters.page(search)
    found.push(...page.letters)
    before = page.before
  } while (before !== undefined && found.length < limit)
  return found
}

export async function show(tool: Tool<'dead show'>, given: { group?: string; payload?: boolean }, id: string) {
  const groups = await groupsOf(tool, given.group)
  const found: DeadLetter[] = []
  for (const group of groups) {
    const letter = await using(tool, group, (letters) => find(letters, id))
    if (letter) found.push(letter)
  }
  const [letter] = found
  if (!letter) throw noLetter(id, groups)
  if (found.length > 1) {
    const which = found.map(({ group }) => group).join(', ')
    throw new Failure('usage', 'USAGE', `several groups have a dead letter ${id}: say which with --group: ${which}`)
  }
  tool.show(given.payload ? { ...letter, fields: letter.fields } : withoutPayload(letter), (width) =>
    letterLines(letter, width, given.payload ?? false),
  )
}

/** By its own id, or by that of its event or its entry: then the newest. */
async function find(letters: DeadLetters, id: string): Promise<DeadLetter | undefined> {
  let found = /^\d+-\d+$/.test(id) ? await letters.get(id) : undefined
  if (found) return found
  for await (const letter of letters.list()) if (letter.eventId === id || letter.entryId === id) found = letter
  return found
}
