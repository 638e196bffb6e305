import { compareIds, type DeadLetter, type DeadLetters, type LetterFilter } from '@redis-streams-processor/streams-core'
import type { DataOf } from '../../data.ts'
import { letterLines } from '../../show/letter.ts'
import { table } from '../../show/table.ts'
import { agoOf } from '../../show/words.ts'
import { groupsOf, theGroup } from '../../tool/choose-group.ts'
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
        { title: 'GROUP', of: ({ group }) => group, min: 6 },
        { title: 'TYPE', of: ({ eventType }) => eventType ?? '(none)', min: 8 },
        { title: 'REASON', of: ({ reason }) => reason },
        { title: 'DIED', of: ({ diedAt }) => agoOf(diedAt) },
        { title: 'ERROR', of: ({ error }) => error, min: 5 },
      ],
      shown,
      width,
    )
    return hasMore ? [...lines, `and more: --limit, or a filter`] : lines
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
  const group = await theGroup(tool, given.group)
  const letter = await using(tool, group, (letters) => find(letters, id))
  if (!letter) throw noLetter(id, group)
  tool.show(given.payload ? { ...letter, fields: letter.fields } : withoutPayload(letter), (width) =>
    letterLines(letter, width, given.payload ?? false),
  )
}

/** By its own id, or by that of its event: then the newest. */
async function find(letters: DeadLetters, id: string): Promise<DeadLetter | undefined> {
  if (/^\d+-\d+$/.test(id)) return letters.get(id)
  let found: DeadLetter | undefined
  for await (const letter of letters.list()) if (letter.eventId === id) found = letter
  return found
}
