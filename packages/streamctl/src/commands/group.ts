import {
  type DeleteResult,
  type Groups,
  openGroups,
  type StartOptions,
  type StartPoint,
  type StartResult,
} from '@redis-streams-processor/streams-core'
import type { Command } from 'commander'
import { duration, startPoint } from '../input.ts'
import { deletedText, startText } from '../show/group-texts.ts'
import { act } from '../tool/act.ts'
import { groupsOf } from '../tool/choose-group.ts'
import type { Tool } from '../tool/tool.ts'
import { limit, pause, resume } from './group-controls.ts'

interface Start {
  from: StartPoint
  lease?: number
  dryRun?: boolean
}

const FROM = 'beginning, end, a time span ago such as 10m, a time in RFC 3339, or an entry id'
const CATALOG = 'module that exports the catalog: its types are known, too, and a pause of them asks nothing'
const LEASE = 'LEASE_MS of those consumers that have not told theirs, because their version is older (default: 10s)'

export function addGroup(program: Command): void {
  const group = program
    .command('group')
    .summary('a group: create, replay, pause, resume, limit, delete')
    .description('Works on consumer groups.')
  const about = (name: string, description: string) =>
    group.command(name).argument('<group>', 'name of the group').description(description)
  about('create', 'Creates a group, and says what it will be given.')
    .option('--from <start>', FROM, startPoint, 'beginning')
    .option('--dry-run', 'only count')
    .action(act('group create', create))
  about(
    'replay',
    'Sets a group back (or forward): what comes after the start is handled again. Stop its consumers first.',
  )
    .requiredOption('--from <start>', FROM, startPoint)
    .option('--lease <time>', LEASE, duration)
    .option('--dry-run', 'only count')
    .action(act('group replay', replay))
  about(
    'pause',
    'Pauses a group: running handlers finish, and none is started. Nothing is lost, and nothing is charged.',
  )
    .option('--type <type>', 'only events of this type')
    .option('--catalog <module>', CATALOG)
    .option('--reason <text>', 'why; consumers log it, and status shows it')
    .action(act('group pause', pause))
  about('resume', 'Ends a pause, and closes the circuit of the group.')
    .option('--type <type>', 'the pause of this event type')
    .action(act('group resume', resume))
  group
    .command('limit')
    .argument('<group>', 'name of the group')
    .argument('<perSecond>', 'handler starts a second, of all consumers together; none: no limit')
    .description('Limits how many handlers a group starts in any second.')
    .action(act('group limit', limit))
  about('delete', 'Deletes a group with all that is its own: its position, what is pending, its dead letters.')
    .option('--lease <time>', LEASE, duration)
    .option('--dry-run', 'only count')
    .action(act('group delete', remove))
}

async function withGroups(
  tool: Tool,
  lease: number | undefined,
  work: (groups: Groups) => Promise<void>,
): Promise<void> {
  const groups = openGroups(tool.stream, { ...tool.redis, ...(lease !== undefined && { leaseMs: lease }) })
  await work(groups).finally(() => groups.close())
}

type Tell = NonNullable<StartOptions['onProgress']>

/** With a bar while it counts. */
async function counting(tool: Tool, start: (onProgress: Tell) => Promise<StartResult>): Promise<StartResult> {
  const progress = tool.progress()
  return start(({ counted, of }) => progress.say('entries counted', counted, of)).finally(() => progress.end())
}

async function create(tool: Tool<'group create'>, { from, dryRun = false }: Start, name: string): Promise<void> {
  await withGroups(tool, undefined, async (groups) => {
    const result = await counting(tool, (onProgress) => groups.create(name, { from, dryRun, onProgress }))
    tool.show({ ...result, dryRun }, (width) => startText(result, from, dryRun, width))
  })
}

async function replay(tool: Tool<'group replay'>, { from, lease, dryRun = false }: Start, name: string): Promise<void> {
  await groupsOf(tool, name)
  const textOf = (result: StartResult, isPlan: boolean, width: number) => startText(result, from, isPlan, width)
  const show = (result: StartResult, isPlan: boolean) =>
    tool.show({ ...result, dryRun }, (width) => textOf(result, isPlan, width))
  await withGroups(tool, lease, async (groups) => {
    const plan = await counting(tool, (onProgress) => groups.replay(name, { from, dryRun: true, onProgress }))
    if (dryRun) return show(plan, true)
    await confirm(tool, plan, textOf)
    // What was confirmed, although time has passed.
    const meant = { from: { after: plan.startsAfter } }
    show(await counting(tool, (onProgress) => groups.replay(name, { ...meant, onProgress })), false)
  })
}

async function remove(
  tool: Tool<'group delete'>,
  { lease, dryRun = false }: Omit<Start, 'from'>,
  name: string,
): Promise<void> {
  const show = (result: DeleteResult, isPlan: boolean) =>
    tool.show({ ...result, dryRun }, (width) => deletedText(result, isPlan, width))
  await withGroups(tool, lease, async (groups) => {
    const plan = await groups.delete(name, { dryRun: true })
    // Of a group that is gone, dead letters may be left.
    if (!plan.existed && plan.deadLetters === 0) await groupsOf(tool, name)
    if (dryRun) return show(plan, true)
    await confirm(tool, plan, deletedText)
    show(await groups.delete(name), false)
  })
}

/** Asks about a plan. The library refuses what nobody need be asked about. */
async function confirm<R extends Pick<StartResult, 'atWork' | 'freeInMs'>>(
  tool: Tool,
  plan: R,
  textOf: (plan: R, isPlan: boolean, width: number) => string[],
): Promise<void> {
  const question = textOf(plan, true, Number.POSITIVE_INFINITY).join(' ')
  if (plan.atWork.length === 0 && plan.freeInMs === 0) await tool.confirm(`${question} Go on?`)
}
