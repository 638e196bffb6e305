import type { DeliveryLine, LedgerLine } from '@redis-streams-processor/service-kit'
import type { HandlerResult, Outcome } from '@redis-streams-processor/streams-core'

/** Whether a handler that ended so has finished with the event. */
const isFinish: Record<HandlerResult['result'], boolean> = {
  returned: true,
  skipped: true,
  rejected: false,
  'retry-after': false,
  threw: false,
}

/** What an event has come to when its delivery is settled so. */
const endOf: Record<Outcome['type'], 'handled' | 'dead' | 'open'> = {
  ack: 'handled',
  skip: 'handled',
  committed: 'handled',
  'dead-letter': 'dead',
  retry: 'open',
  release: 'open',
  abandon: 'open',
}

/** What is known of the end of a run, from outside: the ledgers, and what Redis holds when all is quiet. */
export interface Evidence {
  ledger: readonly LedgerLine[]
  groups: readonly string[]
  /** Event ids in the dead letters, by group. */
  deadLetters: Readonly<Record<string, readonly string[]>>
  /** Event ids that must end in the dead letters of every group, and no others. */
  doomed: ReadonlySet<string>
  /**
   * How often the effect of an event was written, by group and event id, where handlers write one. Then the effect
   * is what makes an event handled; otherwise its line in the ledger does.
   */
  effects?: Readonly<Record<string, ReadonlyMap<string, number>>>
  /** Published events that a fault was meant to destroy (FLUSHALL): they may be missing. */
  destroyed?: ReadonlySet<string>
}

/** What became of the events. */
export const NO_EVENTS = {
  /** Events that the publisher was told are safe. */
  published: 0,
  /** Events that a handler finished, counted once for each group. */
  handled: 0,
  /** Published, and neither handled nor dead-lettered in some group; or committed, and without the effect. */
  lost: 0,
  lostIds: [] as readonly string[],
  /** Finished more than once in a group. Allowed after a kill (at-least-once), and reported. */
  handledTwice: 0,
  /** Events whose effect was written more than once in a group, or that committed more than once. Must be 0. */
  effectsDoubled: 0,
  /** Events that were started more than once in a group. */
  redelivered: 0,
  /** Deliveries that were settled by `skip`. */
  skipped: 0,
  /** Entries that were settled both as handled and as dead in a group. Must be 0. */
  contradicted: 0,
  deadLetters: 0,
  /** In the dead letters without being doomed, or once too often. */
  wronglyDeadLettered: 0,
  /** Doomed, and not in the dead letters. */
  missingDeadLetters: 0,
  /** Publishes answered as duplicates of an earlier one. */
  duplicates: 0,
  /** Handled, although no publish of it resolved. */
  handledUnpublished: 0,
}
export type Counts = typeof NO_EVENTS

export interface Verdict extends Counts {
  /** Entries that are pending or not delivered yet, over all groups. */
  openWork: number
  passed: boolean
}

/** What must be 0 in every verdict. */
const faults = [
  'lost',
  'effectsDoubled',
  'contradicted',
  'wronglyDeadLettered',
  'missingDeadLetters',
  'openWork',
] as const satisfies (keyof Verdict)[]

/** What must be 0 and is not, each with its count. */
export const faultsIn = (verdict: Pick<Verdict, (typeof faults)[number]>): string[] =>
  faults.filter((fault) => verdict[fault] > 0).map((fault) => `${fault} ${verdict[fault]}`)

/** Pure. Passed: something was published, everything was done, and nothing is wrong. */
export function judge(counts: Counts, openWork: number): Verdict {
  const verdict = { ...counts, openWork }
  return { ...verdict, passed: counts.published > 0 && faultsIn(verdict).length === 0 }
}

/** Pure: sorts every event into what became of it. Jepsen's total-queue: what goes in must come out. */
export function count(evidence: Evidence): Counts {
  const { ledger, groups, deadLetters, doomed, effects, destroyed = new Set() } = evidence
  const published = new Set(ledger.flatMap((line) => (line.what === 'published' ? [line.id] : [])))
  const attempted = new Set(ledger.flatMap((line) => (line.what === 'attempted' ? [line.id] : [])))
  const lost = new Set<string>()
  const handledUnpublished = new Set<string>()
  const sum = { ...NO_EVENTS }
  for (const group of groups) {
    const lines = ledger.filter((line): line is DeliveryLine => 'attempt' in line && line.group === group)
    const finished = countById(lines, (line) => isHandlerEnd(line) && isFinish[line.what])
    const handled = effects ? (effects[group] ?? new Map<string, number>()) : finished
    const letters = deadLetters[group] ?? []
    const dead = new Set(letters)
    // An event whose handler was told that `commit` succeeded must have its effect.
    const committed = countById(lines, ({ what }) => what === 'committed')
    if (effects) for (const id of committed.keys()) if (!handled.has(id) && !destroyed.has(id)) lost.add(id)
    for (const id of published) if (!handled.has(id) && !dead.has(id) && !destroyed.has(id)) lost.add(id)
    for (const id of handled.keys()) if (!published.has(id) && attempted.has(id)) handledUnpublished.add(id)
    sum.handled += handled.size
    sum.handledTwice += repeated(finished)
    sum.effectsDoubled += Math.max(effects ? repeated(handled) : 0, repeated(committed))
    sum.redelivered += repeated(countById(lines, ({ what }) => what === 'started'))
    sum.skipped += lines.filter((line) => line.what === 'settled' && line.outcome === 'skip').length
    sum.contradicted += contradictedIn(lines)
    sum.deadLetters += letters.length
    sum.wronglyDeadLettered += letters.length - [...dead].filter((id) => doomed.has(id)).length
    sum.missingDeadLetters += [...doomed].filter((id) => !dead.has(id)).length
  }
  return {
    ...sum,
    published: published.size,
    lost: lost.size,
    lostIds: [...lost].slice(0, 20),
    duplicates: ledger.filter((line) => line.what === 'published' && line.duplicate).length,
    handledUnpublished: handledUnpublished.size,
  }
}

type HandlerEnd = DeliveryLine & { what: HandlerResult['result'] }

/** Whether this line tells how a handler ended. */
export const isHandlerEnd = (line: DeliveryLine): line is HandlerEnd => Object.hasOwn(isFinish, line.what)

function countById(lines: readonly DeliveryLine[], isCounted: (line: DeliveryLine) => boolean): Map<string, number> {
  const counts = new Map<string, number>()
  for (const line of lines) if (isCounted(line)) counts.set(line.id, (counts.get(line.id) ?? 0) + 1)
  return counts
}

function contradictedIn(lines: readonly DeliveryLine[]): number {
  const ends = { handled: new Set<string>(), dead: new Set<string>(), open: new Set<string>() }
  for (const line of lines) if (line.what === 'settled') ends[endOf[line.outcome]].add(line.entryId)
  return [...ends.dead].filter((entryId) => ends.handled.has(entryId)).length
}

const repeated = (counts: ReadonlyMap<string, number>) => [...counts.values()].filter((count) => count > 1).length
