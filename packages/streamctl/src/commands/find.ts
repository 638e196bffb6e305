import { type DeadLetter, type EventState, type FoundEvent, findEvent } from '@redis-streams-processor/streams-core'
import { type Command, Option } from 'commander'
import { historyLines, letterLines } from '../show/letter.ts'
import { payloadLines } from '../show/payload.ts'
import { hindranceText, stateText } from '../show/state.ts'
import { wrap } from '../show/text.ts'
import { moment } from '../show/words.ts'
import { act } from '../tool/act.ts'
import { Failure } from '../tool/failure.ts'
import type { Tool } from '../tool/tool.ts'

interface Options {
  idOf?: 'event' | 'entry'
  payload?: boolean
}

export function addFind(program: Command): void {
  program
    .command('find')
    .argument('<id>', 'event id or entry id')
    .summary('one event: where it is, and what each group has done with it')
    .description('Finds one event: its entries, what each group has done with them, and its dead letters.')
    .addOption(new Option('--id-of <what>', 'what the id is (default: by its look)').choices(['event', 'entry']))
    .option('--payload', 'show the fields of the entries, with the data of the event')
    .action(act('find', find, { heedsCtrlC: true }))
}

async function find(tool: Tool<'find'>, { idOf, payload }: Options, id: string): Promise<void> {
  const progress = tool.progress()
  const onProgress = ({ looked, of }: { looked: number; of: number }) => progress.say('entries looked at', looked, of)
  const options = { ...tool.redis, ...(idOf && { idOf }), signal: tool.signal, onProgress }
  const found = await findEvent(tool.stream, id, options)
    .catch((error) => {
      tool.throwIfInterrupted('nothing was found so far')
      throw error
    })
    .finally(() => progress.end())
  const isKnown =
    found.letters.length > 0 || found.entries.some(({ fields, groups }) => fields || groups.some(wasAppended))
  if (!isKnown) throw new Failure('notFound', 'NO_SUCH_EVENT', nothingKnown(tool, id, found))
  tool.show(toShown(found, payload ?? false), (width) => linesOf(found, width, payload ?? false))
}

const wasAppended = ({ state }: { state: EventState }) => state.type !== 'unknown' || state.why === 'trimmed'

function nothingKnown(tool: Tool<'find'>, id: string, found: FoundEvent): string {
  const isLossy = tool.settings.retention().policy === 'maxlen'
  const trimmed = `every group has handled it${isLossy ? ', or it was dropped unread' : ''}, and it was trimmed since`
  const extent = found.knownSince === undefined ? 'is empty' : `goes back to ${moment(found.knownSince)}`
  const why = whyUnknown(id, found, trimmed)
  return `${id} is not in ${tool.stream.name}, which ${extent}, nor among its dead letters. ${why}`
}

function whyUnknown(id: string, { entries, knownSince }: FoundEvent, trimmed: string): string {
  // Of what was asked for as an entry, the id says when it was published.
  const entry = entries.find(({ entryId }) => entryId === id)
  if (entry?.groups.some(({ state }) => state.type === 'unknown' && state.why === 'not-appended')) {
    return 'No entry has got such an id yet'
  }
  const isLater = entry?.publishedAt !== undefined && knownSince !== undefined && entry.publishedAt >= knownSince
  if (entry) return isLater ? 'If there was such an entry, it was deleted' : `If there was such an entry, ${trimmed}`
  if (knownSince === undefined) return `If it was ever published, ${trimmed}`
  return `If it was published before that, ${trimmed}; else it never was`
}

function toShown({ asOf, entries, letters, knownSince }: FoundEvent, hasPayload: boolean) {
  const letterOf = ({ fields, ...letter }: DeadLetter) => (hasPayload ? { ...letter, fields } : letter)
  const stateOf = (state: EventState) =>
    'letter' in state && state.letter ? { ...state, letter: letterOf(state.letter) } : state
  return {
    asOf,
    entries: entries.map(({ fields, groups, ...entry }) => ({
      ...entry,
      ...(hasPayload && fields && { fields }),
      groups: groups.map(({ state, ...group }) => ({ ...group, state: stateOf(state) })),
    })),
    letters: letters.map(letterOf),
    knownSince,
  }
}

function linesOf({ entries, letters }: FoundEvent, width: number, hasPayload: boolean): string[] {
  const ofEntries = entries.flatMap(
    ({ entryId, publishedAt, isInStream, eventId, eventType, redrivenFor, fields, groups }) => {
      const where = isInStream ? 'in the stream' : 'not in the stream any more'
      const redriven = redrivenFor ? `, redriven for ${redrivenFor}` : ''
      return [
        ...wrap(`entry ${entryId}: ${where}, published ${moment(publishedAt)}${redriven}`, width, 2),
        ...(eventId || eventType ? wrap(`  event ${eventId ?? '(no id)'}, ${eventType ?? '(no type)'}`, width, 4) : []),
        ...groups.flatMap(({ group, state, hindrances }) => [
          ...wrap(`  ${group}: ${stateText(state)}`, width, 4),
          ...hindrances.flatMap((one) => wrap(`    held up: ${hindranceText(group, one)}`, width, 6)),
          ...('history' in state ? historyLines(state.history, width - 2).map((line) => `  ${line}`) : []),
        ]),
        ...(hasPayload && fields ? payloadLines(fields, width) : []),
      ]
    },
  )
  const ofLetters = letters.flatMap((letter) => ['', ...letterLines(letter, width, hasPayload && !letter.fields)])
  return [...ofEntries, ...ofLetters]
}
