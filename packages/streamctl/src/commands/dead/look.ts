import type { DeadLetter, DeadLetters } from '@redis-streams-processor/streams-core'
import type { DataOf } from '../../data.ts'
import { letterLines } from '../../show/letter.ts'
import { table } from '../../show/table.ts'
import { agoOf } from '../../show/words.ts'
import { groupsOf, theGroup } from '../../tool/choose-group.ts'
import type { Tool } from '../../tool/tool.ts'
import { type Filter, filterOf, noLetter, using } from './letters.ts'

/** Without the fields of the entry, which hold the data of the event. */
const withoutPayload = ({ fields, ...letter }: DeadLetter): DataOf<'dead show'> => letter

export async function list(tool: Tool<'dead list'>, { limit, ...given }: Filter & { limit: number }): Promise<void> {
  const found: DataOf<'dead show'>[] = []
  for (const group of await groupsOf(tool, given.group)) {
    await using(tool, group, async (letters) => {
      for await (const letter of letters.list(filterOf(given))) {
        if (found.length > limit) break
        found.push(withoutPayload(letter))
      }
    })
  }
  const shown = found.slice(0, limit)
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
