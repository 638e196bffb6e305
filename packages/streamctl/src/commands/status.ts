import { openInspector, type StreamInspector, type StreamState } from '@redis-streams-processor/streams-core'
import type { Command } from 'commander'
import type { DataOf } from '../data.ts'
import { duration } from '../input.ts'
import { aliveIn, judgeGroup } from '../show/judge-group.ts'
import { table } from '../show/table.ts'
import { wrap } from '../show/text.ts'
import { count, some, span } from '../show/words.ts'
import { act } from '../tool/act.ts'
import { failureOf } from '../tool/failure.ts'
import { sleep } from '../tool/sleep.ts'
import type { Tool } from '../tool/tool.ts'

type Status = DataOf<'status'>

/** A screen has room for so many. */
const MAX_GROUPS = 12
const MAX_CONSUMERS = 12
const EVERY_MS = 2_000
const CLEAR_SCREEN = '\u001b[H\u001b[2J'

export function addStatus(program: Command): void {
  program
    .command('status')
    .summary('one screen: the stream, its groups, their consumers')
    .description('Shows the stream, its groups and their consumers, and which group is stuck and why.')
    .option('-w, --watch [every]', 'show it again and again, e.g. every 5s (default: 2s), until Ctrl-C', duration)
    .action(act('status', status))
}

async function status(tool: Tool<'status'>, { watch: every }: { watch?: number | true }): Promise<void> {
  const inspector = openInspector(tool.stream, tool.redis)
  try {
    const state = await inspector.inspect()
    if (every === undefined) show(tool, state)
    else await watch(tool, inspector, state, every === true ? EVERY_MS : every)
  } finally {
    await inspector.close()
  }
}

/** Redis may be away meanwhile. */
async function watch(tool: Tool<'status'>, inspector: StreamInspector, first: StreamState, everyMs: number) {
  const isScreen = process.stdout.isTTY && !tool.isJson
  let isAway = false
  for (let state: StreamState | undefined = first; !tool.signal.aborted; ) {
    if (state && isScreen) process.stdout.write(CLEAR_SCREEN)
    if (state) show(tool, state)
    await sleep(everyMs, tool.signal)
    state = await inspector.inspect().catch((error) => {
      const failure = failureOf(error)
      if (failure.exit !== 'unavailable') throw failure
      if (!isAway && !tool.signal.aborted) tool.note(`streamctl: ${failure.message}; trying again`)
      isAway = true
      return undefined
    })
    if (state) isAway = false
  }
}

function show(tool: Tool<'status'>, { server, length, groups }: StreamState): void {
  const found = {
    ...{ redis: tool.settings.address, server: { ...server, warnings: [...server.warnings] }, length },
    groups: groups.map((group) => ({ ...group, ...judgeGroup(group) })),
  }
  tool.show(found, (width) => screen(tool.stream.name, found, width))
}

function screen(stream: string, { redis, server, length, groups }: Status, width: number): string[] {
  const of = `${server.name ?? 'Redis'} ${server.version ?? 'of an unknown version'}`
  const lines = wrap(
    `${stream}: ${some(length, 'entry', 'entries')}, ${some(groups.length, 'group')}; ${of} at ${redis}`,
    width,
    2,
  )
  for (const { setting, value, risk } of server.warnings) {
    lines.push(...wrap(`warning: ${setting} is ${value}: ${risk}. See: doctor`, width, 2))
  }
  if (groups.length === 0) {
    const nothing =
      length === 0 ? 'nothing was published yet, or the stream has another name (--stream)' : 'nobody reads this stream'
    return [...lines, ...wrap(`no group: ${nothing}`, width, 2)]
  }
  // Where not all find room, those with which something is the matter do first.
  const sorted = [...groups].sort((a, b) => Number(b.why !== undefined) - Number(a.why !== undefined))
  const shown = groups.length > MAX_GROUPS ? sorted.slice(0, MAX_GROUPS) : groups
  lines.push('', ...groupTable(shown, width), ...moreThan(shown, groups, 'group'))
  const remarks = shown.flatMap(({ group, why }) => (why === undefined ? [] : wrap(`${group}: ${why}`, width, 2)))
  if (remarks.length > 0) lines.push('', ...remarks)
  const consumers = groups.flatMap(({ group, consumers }) => consumers.map((consumer) => ({ group, ...consumer })))
  return consumers.length === 0 ? lines : [...lines, '', ...consumerTable(consumers, width)]
}

function groupTable(groups: Status['groups'], width: number): string[] {
  return table(
    [
      { title: 'GROUP', of: ({ group }) => group, min: 8 },
      { title: 'STATE', of: ({ state }) => state.replace('-', ' ') },
      { title: 'LAG', of: ({ lag, isLagExact }) => `${isLagExact ? '' : '>'}${count(lag)}`, right: true },
      { title: 'PENDING', of: ({ pending }) => count(pending), right: true },
      { title: 'RETRY', of: ({ waitingForRetry }) => count(waitingForRetry), right: true },
      {
        title: 'OLDEST',
        of: ({ oldestUnhandledMs }) => (oldestUnhandledMs === 0 ? '-' : span(oldestUnhandledMs)),
        right: true,
      },
      { title: 'DEAD', of: ({ deadLetters }) => count(deadLetters), right: true },
      { title: 'ALIVE', of: (group) => count(aliveIn(group).length), right: true },
    ],
    groups,
    width,
  )
}

/** Those that hold something first, then those that were heard of last. */
function consumerTable(all: (Status['groups'][number]['consumers'][number] & { group: string })[], width: number) {
  const sorted = [...all].sort((a, b) => Number(b.pending > 0) - Number(a.pending > 0) || a.idleMs - b.idleMs)
  const shown = sorted.slice(0, MAX_CONSUMERS)
  const lines = table(
    [
      { title: 'CONSUMER', of: ({ name }) => name, min: 12 },
      { title: 'GROUP', of: ({ group }) => group, min: 8 },
      { title: 'PENDING', of: ({ pending }) => count(pending), right: true },
      { title: 'ASKED', of: ({ idleMs }) => `${span(idleMs)} ago`, right: true },
    ],
    shown,
    width,
  )
  return [...lines, ...moreThan(shown, sorted, 'consumer')]
}

function moreThan(shown: readonly unknown[], all: readonly unknown[], what: string): string[] {
  const left = all.length - shown.length
  return left === 0 ? [] : [`and ${some(left, what)} more: --json shows all`]
}
