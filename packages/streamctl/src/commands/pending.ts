import { compareIds, listPending, type PendingEvent, RETRY_CONSUMER } from '@redis-streams-processor/streams-core'
import { type Command, Option } from 'commander'
import type { DataOf } from '../data.ts'
import { whole } from '../input.ts'
import { errorLines } from '../show/errors.ts'
import { payloadLines } from '../show/payload.ts'
import { stateText } from '../show/state.ts'
import { table } from '../show/table.ts'
import { wrap } from '../show/text.ts'
import { act } from '../tool/act.ts'
import { groupsOf } from '../tool/choose-group.ts'
import type { Tool } from '../tool/tool.ts'

interface Options {
  group?: string
  consumer?: string
  waiting?: boolean
  limit: number
  payload?: boolean
}
type Shown = DataOf<'pending'>['events'][number]

export function addPending(program: Command): void {
  program
    .command('pending')
    .summary('what was delivered and not acknowledged: who has it, what failed')
    .description(
      'Lists what was delivered and not acknowledged, oldest first: who has it, what waits for a retry and why.',
    )
    .option('-g, --group <group>', 'only this group (default: all)')
    .option('-c, --consumer <name>', 'only what this consumer holds')
    .addOption(new Option('--waiting', 'only what waits for a retry').conflicts('consumer'))
    .option('--limit <entries>', 'at most so many', whole(1, 100_000), 20)
    .option('--payload', 'show the fields of the entries, with the data of the events')
    .action(act('pending', pending))
}

async function pending(tool: Tool<'pending'>, given: Options): Promise<void> {
  const { group, consumer, waiting, limit, payload } = given
  const owner = waiting ? RETRY_CONSUMER : consumer
  const events: Shown[] = []
  for (const name of await groupsOf(tool, group)) {
    const of = { ...tool.redis, group: name, ...(owner !== undefined && { owner }) }
    let left = limit + 1
    for await (const event of listPending(tool.stream, of)) {
      events.push(toShown(name, event, payload ?? false))
      left -= 1
      if (left === 0) break
    }
  }
  const hasMore = events.length > limit
  const shown = events.sort((a, b) => compareIds(a.entryId, b.entryId)).slice(0, limit)
  tool.show({ events: shown, hasMore }, (width) => {
    if (shown.length === 0) return ['nothing is pending']
    const more = hasMore ? ['and more: --limit'] : []
    return payload ? [...shown.flatMap((event) => detail(event, width)), ...more] : [...listOf(shown, width), ...more]
  })
}

function toShown(group: string, { fields, ...event }: PendingEvent, hasPayload: boolean): Shown {
  return { group, ...event, ...(hasPayload && fields && { fields }) }
}

function listOf(events: readonly Shown[], width: number): string[] {
  const lines = table(
    [
      { title: 'ENTRY', of: ({ entryId }) => entryId },
      { title: 'GROUP', of: ({ group }) => group, min: 6 },
      { title: 'TYPE', of: ({ eventType }) => eventType ?? '(gone)', min: 8 },
      { title: 'STATE', of: ({ state }) => stateText(state), min: 20, wraps: true },
    ],
    events,
    width,
  )
  const failed = events.map(({ entryId, state }) => ({ id: entryId, error: state.history.at(-1)?.error }))
  return [...lines, ...errorLines(failed, 'failed', width)]
}

function detail(event: Shown, width: number): string[] {
  const { entryId, group, eventType, state, fields } = event
  const head = wrap(`${entryId}, ${group}, ${eventType ?? '(gone)'}: ${stateText(state)}`, width, 2)
  return [...head, ...payloadLines(fields ?? [], width)]
}
