import {
  judgeGroup,
  openInspector,
  type StreamInspector,
  type StreamState,
} from '@redis-streams-processor/streams-core'
import type { Command } from 'commander'
import { duration } from '../input.ts'
import { statusScreen } from '../show/status-screen.ts'
import { act } from '../tool/act.ts'
import { failureOf } from '../tool/failure.ts'
import { heeding } from '../tool/interrupt.ts'
import { sleep } from '../tool/sleep.ts'
import type { Tool } from '../tool/tool.ts'

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
    if (every === undefined) show(tool, state, false)
    else await heeding(() => watch(tool, inspector, state, every === true ? EVERY_MS : every))
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
    if (state) show(tool, state, isScreen)
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

/** @param hasClock A screen that stays says when it was made. */
function show(tool: Tool<'status'>, { server, length, groups }: StreamState, hasClock: boolean): void {
  const found = {
    ...{ redis: tool.settings.address, server: { ...server, warnings: [...server.warnings] }, length },
    groups: groups.map((group) => ({ ...group, ...judgeGroup(group) })),
  }
  const clock = hasClock ? `${new Date().toISOString().slice(11, 19)}Z  ` : ''
  const { height } = tool
  tool.show(found, (width) => statusScreen(`${clock}${tool.stream.name}`, found, { width, height }))
}
