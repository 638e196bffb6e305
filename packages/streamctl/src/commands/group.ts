import {
  type DeleteResult,
  type GroupControls,
  type Groups,
  openControls,
  openGroups,
  type StartPoint,
  type StartResult,
} from '@redis-streams-processor/streams-core'
import type { Command } from 'commander'
import { duration, rate, startPoint } from '../input.ts'
import { controlsText, deletedText, startText } from '../show/group-texts.ts'
import { act } from '../tool/act.ts'
import type { Tool } from '../tool/tool.ts'

interface Start {
  from: StartPoint
  lease?: number
  dryRun?: boolean
}
interface Pause {
  type?: string
  reason?: string
}

const FROM = 'beginning, end, a time span ago such as 10m, a time in RFC 3339, or an entry id'
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

async function create(tool: Tool<'group create'>, { from, dryRun = false }: Start, name: string): Promise<void> {
  await withGroups(tool, undefined, async (groups) => {
    const result = await groups.create(name, { from, dryRun })
    tool.show({ ...result, dryRun }, (width) => startText(result, dryRun, width))
  })
}

async function replay(tool: Tool<'group replay'>, { from, lease, dryRun = false }: Start, name: string): Promise<void> {
  const show = (result: StartResult, isPlan: boolean) =>
    tool.show({ ...result, dryRun }, (width) => startText(result, isPlan, width))
  await withGroups(tool, lease, (groups) =>
    planned(tool, dryRun, (isPlan) => groups.replay(name, { from, dryRun: isPlan }), { show, textOf: startText }),
  )
}

async function remove(
  tool: Tool<'group delete'>,
  { lease, dryRun = false }: Omit<Start, 'from'>,
  name: string,
): Promise<void> {
  const show = (result: DeleteResult, isPlan: boolean) =>
    tool.show({ ...result, dryRun }, (width) => deletedText(result, isPlan, width))
  await withGroups(tool, lease, (groups) =>
    planned(tool, dryRun, (isPlan) => groups.delete(name, { dryRun: isPlan }), { show, textOf: deletedText }),
  )
}

/** Says what would be done, asks, does it, and shows what was done. The library refuses what nobody need be asked about. */
async function planned<R extends Pick<StartResult, 'atWork' | 'freeInMs'>>(
  tool: Tool,
  dryRun: boolean,
  act: (isPlan: boolean) => Promise<R>,
  telling: {
    show: (result: R, isPlan: boolean) => void
    textOf: (result: R, isPlan: boolean, width: number) => string[]
  },
): Promise<void> {
  const plan = await act(true)
  if (dryRun) return telling.show(plan, true)
  const question = telling.textOf(plan, true, Number.POSITIVE_INFINITY).join(' ')
  if (plan.atWork.length === 0 && plan.freeInMs === 0) await tool.confirm(`${question} Go on?`)
  telling.show(await act(false), false)
}

type Control = 'group pause' | 'group resume' | 'group limit'

/** Changes the controls of a group, and shows them as they are then. */
async function control(
  tool: Tool<Control>,
  group: string,
  change: (controls: GroupControls) => Promise<void>,
): Promise<void> {
  const controls = openControls(tool.stream, { ...tool.redis, group })
  try {
    await change(controls)
    const state = { group, ...(await controls.state()) }
    tool.show(state, (width) => controlsText(state, width))
  } finally {
    await controls.close()
  }
}

const eventTypeOf = ({ type }: Pause) => (type === undefined ? {} : { eventType: type })

async function pause(tool: Tool<'group pause'>, given: Pause, name: string): Promise<void> {
  const reason = given.reason === undefined ? {} : { reason: given.reason }
  await control(tool, name, (controls) => controls.pause({ ...eventTypeOf(given), ...reason }))
}

async function resume(tool: Tool<'group resume'>, given: Pause, name: string): Promise<void> {
  await control(tool, name, (controls) => controls.resume(eventTypeOf(given)))
}

async function limit(tool: Tool<'group limit'>, _: object, name: string, perSecond: string): Promise<void> {
  const value = perSecond === 'none' ? undefined : rate(perSecond)
  await control(tool, name, (controls) => controls.limit(value))
}
