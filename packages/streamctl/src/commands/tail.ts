import { type TailEntry, tailStream } from '@redis-streams-processor/streams-core'
import type { Command } from 'commander'
import type { DataOf } from '../data.ts'
import { collect, whole } from '../input.ts'
import { payloadLines } from '../show/payload.ts'
import { clean, cut, padEnd } from '../show/text.ts'
import { act } from '../tool/act.ts'
import { failureOf } from '../tool/failure.ts'
import type { Tool } from '../tool/tool.ts'

interface Options {
  type?: string[]
  subject?: string[]
  last: number
  count?: number
  payload?: boolean
}

export function addTail(program: Command): void {
  program
    .command('tail')
    .summary('new events as they come')
    .description('Shows events as they are published, until Ctrl-C. No group is touched.')
    .option('--type <type>', 'only events of this type; may be given more than once', collect)
    .option('--subject <subject>', 'only events about this; may be given more than once', collect)
    .option('-n, --last <entries>', 'begin with so many of the newest entries', whole(0, 10_000), 0)
    .option('--count <events>', 'end after so many events', whole(1, 1_000_000_000))
    .option('--payload', 'show the data of events')
    .action(act('tail', tail, { heedsCtrlC: true }))
}

async function tail(tool: Tool<'tail'>, { type, subject, last, count, payload }: Options): Promise<void> {
  const isWanted = ({ eventType, subject: about }: TailEntry) =>
    (!type || type.includes(eventType ?? '')) && (!subject || subject.includes(about ?? ''))
  const onProblem = (problem: Error | undefined) =>
    tool.note(problem ? `streamctl: ${failureOf(problem).message}; trying again` : 'streamctl: Redis is back')
  let left = count ?? Number.POSITIVE_INFINITY
  for await (const entry of tailStream(tool.stream, { ...tool.redis, last, signal: tool.signal, onProblem })) {
    if (!isWanted(entry)) continue
    const { fields, ...shown } = entry
    tool.show(payload ? { ...shown, fields } : shown, (width) => [
      lineOf(shown, width),
      ...(payload ? payloadLines(fields, width) : []),
    ])
    left -= 1
    if (left === 0) return
  }
}

/** Columns that do not move: the next lines are not known yet. */
function lineOf({ entryId, publishedAt, eventType, subject, redrivenFor }: DataOf<'tail'>, width: number): string {
  const time = publishedAt?.slice(11, 23) ?? '?'
  const room = width - 12 - 20 - 6
  const ofType = Math.floor(room * 0.6)
  const about = `${subject ?? '-'}${redrivenFor ? ` (redriven for ${redrivenFor})` : ''}`
  const columns = [
    ...[padEnd(time, 12), padEnd(cut(entryId, 20), 20)],
    ...[padEnd(cut(clean(eventType ?? '(no event)'), ofType), ofType), cut(clean(about), room - ofType)],
  ]
  return columns.join('  ').trimEnd()
}
