import type { DataOf } from '../data.ts'
import { table } from './table.ts'
import { wrap } from './text.ts'
import { count, some, span } from './words.ts'

type Status = DataOf<'status'>
type Group = Status['groups'][number]
type Consumer = Group['consumers'][number]

interface Size {
  width: number
  /** Lines, one of which is left for the prompt of the shell. */
  height: number
}

/** How much of a screen groups may take, so that there is room for what is the matter with them. */
const SHARE_OF_GROUPS = 0.6

/** One screen: the stream, its groups, what is the matter with them; and their consumers, as far as there is room. */
export function statusScreen(title: string, status: Status, { width, height }: Size): string[] {
  const { length, groups } = status
  const lines = headOf(title, status, width)
  if (groups.length === 0) {
    const nothing =
      length === 0 ? 'nothing was published yet, or the stream has another name (--stream)' : 'nobody reads this stream'
    return [...lines, ...wrap(`no group: ${nothing}`, width, 2)]
  }
  const room = () => height - 1 - lines.length
  const most = Math.max(1, Math.floor(room() * SHARE_OF_GROUPS) - 1)
  const shown = groups.length > most ? groups.toSorted((a, b) => b.urgency - a.urgency).slice(0, most) : groups
  lines.push('', ...groupTable(shown, width), ...moreThan(shown.length, groups.length, 'group'))
  lines.push(...reasons(shown, width, room()))
  lines.push(...consumers(groups, width, room()))
  return lines
}

function headOf(title: string, { redis, server, length, groups }: Status, width: number): string[] {
  const of = `${server.name ?? 'Redis'} ${server.version ?? 'of an unknown version'}`
  const about = `${some(length, 'entry', 'entries')}, ${some(groups.length, 'group')}; ${of} at ${redis}`
  const warnings = server.warnings.map(
    ({ setting, value, risk }) => `warning: ${setting} is ${value}: ${risk}. See: doctor`,
  )
  return [`${title}: ${about}`, ...warnings].flatMap((line) => wrap(line, width, 2))
}

function groupTable(groups: readonly Group[], width: number): string[] {
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
      { title: 'ALIVE', of: ({ alive }) => count(alive), right: true },
    ],
    groups,
    width,
  )
}

/** What to do about a state. */
const TO_DO: Partial<Record<Group['state'], (group: string) => string>> = {
  paused: (group) => `To go on: group resume ${group}`,
  'circuit-open': (group) => `To go on: group resume ${group}`,
  'partly-paused': (group) => `To go on: group resume ${group} --type TYPE`,
  limited: (group) => `To change it: group limit ${group}`,
  retrying: (group) => `Why they failed: pending --group ${group}`,
  slow: (group) => `Who has it: pending --group ${group}`,
}

function reasons(groups: readonly Group[], width: number, room: number): string[] {
  const all = groups.flatMap(({ group, state, why }) => {
    const toDo = TO_DO[state]?.(group)
    return why === undefined ? [] : [wrap(`${group}: ${why}${toDo === undefined ? '' : `. ${toDo}`}`, width, 2)]
  })
  const fitting = firstThatFit(all, room - 1)
  return fitting.length === 0 ? [] : ['', ...fitting.flat(), ...moreThan(fitting.length, all.length, 'reason')]
}

/** Of several texts the first that find room, and a line that says how many are left. */
function firstThatFit(texts: readonly string[][], room: number): readonly string[][] {
  let used = 0
  for (const [i, text] of texts.entries()) {
    const isLast = i === texts.length - 1
    if (used + text.length + (isLast ? 0 : 1) > room) return texts.slice(0, i)
    used += text.length
  }
  return texts
}

/** Not seen for so long, a consumer that holds nothing is only counted: `consumers prune` deletes its name. */
const COUNTED_AFTER_MS = 300_000

/** Those that hold something first, then those that were heard of last. A name of another role counts by what it holds. */
function consumers(groups: readonly Group[], width: number, screenRoom: number): string[] {
  const named = groups.flatMap(({ group, consumers }) => consumers.map((consumer) => ({ group, ...consumer })))
  const isShown = ({ pending, role, idleMs }: Consumer) => pending > 0 || (role === 'own' && idleMs < COUNTED_AFTER_MS)
  const old = named.filter((one) => !isShown(one) && one.role === 'own').length
  const told = old === 0 ? [] : wrap(oldText(old), width, 2)
  const all = named.filter(isShown)
  const room = screenRoom - told.length
  const sorted = all.sort((a, b) => Number(b.pending > 0) - Number(a.pending > 0) || a.idleMs - b.idleMs)
  // An empty line, and the names of the columns.
  const rows = room - 2
  const shown = sorted.slice(0, all.length > rows ? Math.max(0, rows - 1) : rows)
  if (shown.length === 0) return all.length === 0 && room > 0 && old > 0 ? ['', ...told] : []
  const lines = table(
    [
      { title: 'CONSUMER', of: titleOf, min: 12 },
      { title: 'GROUP', of: ({ group }) => group, min: 8 },
      { title: 'STATE', of: ({ state }) => state ?? '-' },
      { title: 'PENDING', of: ({ pending }) => count(pending), right: true },
      { title: 'LAST SEEN', of: ({ idleMs }) => `${span(idleMs)} ago`, right: true },
    ],
    shown,
    width,
  )
  return ['', ...lines, ...moreThan(shown.length, all.length, 'consumer'), ...told]
}

const oldText = (old: number) =>
  `and ${some(old, 'consumer')} that ${old === 1 ? 'holds' : 'hold'} nothing, last seen 5 min ago or before. ` +
  'To delete the names: consumers prune'

const ROLES: Record<Consumer['role'], (consumer: string) => string> = {
  own: (consumer) => consumer,
  alone: (consumer) => `${consumer}, runs alone`,
  suspect: (consumer) => `${consumer}, waits to run alone`,
  crashed: (consumer) => `${consumer}, dead-letters`,
  left: (consumer) => `${consumer}, earlier process`,
  suspects: () => '(crash suspects)',
}

const titleOf = ({ consumer, role }: Consumer) => ROLES[role](consumer)

function moreThan(shown: number, all: number, what: string): string[] {
  return shown === all ? [] : [`and ${some(all - shown, what)} more: --json shows all`]
}
