import type { LedgerLine } from '@redis-streams-processor/service-kit'
import { compareIds } from '@redis-streams-processor/streams-core'
import { count, judge, type Verdict } from '../judge.ts'
import { type Recovery, timeRecovery } from '../recovery.ts'
import { inFull } from '../verdict-table.ts'
import type { Death } from './container-watch.ts'
import type { Finding, Handover } from './step.ts'

export interface StepReport {
  name: string
  seen: string
  seconds: number
  /** Of what consumers held that were killed, cut off or told to leave. */
  recovery?: Recovery
  handover?: HandoverReport
}

/** Of what was first delivered while consumers were replaced. */
export interface HandoverReport {
  /** Entries that a handler has seen. */
  delivered: number
  /** Of these: finished more than once. */
  finishedTwice: number
}

export interface SmokeVerdict extends Verdict {
  steps: StepReport[]
  /** What is wrong beyond the counts. */
  problems: string[]
}

export interface SmokeEvidence {
  group: string
  events: number
  ledger: readonly LedgerLine[]
  findings: readonly (Finding & { name: string; seconds: number })[]
  deadLetterIds: readonly string[]
  pending: number
  unexpectedDeaths: readonly Death[]
  problems: readonly string[]
}

/** Pure. */
export function judgeSmoke(evidence: SmokeEvidence): SmokeVerdict {
  const { group, events, ledger, pending } = evidence
  const doomed = new Set(
    ledger.flatMap((line) => (line.what === 'attempted' && line.subject === 'user_1003' ? [line.id] : [])),
  )
  const deadLetters = { [group]: evidence.deadLetterIds }
  const verdict = judge(count({ ledger, groups: [group], deadLetters, doomed }), pending)
  const steps = evidence.findings.map(({ name, seen, seconds, losses, handover }) => ({
    ...{ name, seen, seconds },
    ...(losses && { recovery: timeRecovery(ledger, losses) }),
    ...(handover && { handover: judgeHandover(ledger, group, handover) }),
  }))

  const problems = [...evidence.problems]
  const refused = ledger.filter(({ what }) => what === 'refused').length
  if (verdict.published < events) problems.push(`only ${verdict.published} of ${events} events were published`)
  if (refused > 0) problems.push(`${refused} publishes were refused`)
  if (verdict.duplicatesRefused === 0) problems.push('the duplicate publish was not recognised')
  if (doomed.size !== 1) problems.push(`${doomed.size} poison events were published, not one`)
  for (const { name, recovery, handover } of steps) {
    // A consumer that leaves as it should finishes what runs; of all others, everything must run elsewhere.
    if (recovery && !handover && recovery.elsewhere < recovery.held)
      problems.push(`${name}: not all of its entries ran elsewhere`)
    if (handover && handover.finishedTwice > 0)
      problems.push(`${name}: ${handover.finishedTwice} events finished twice`)
  }
  for (const { name, exitCode } of evidence.unexpectedDeaths) problems.push(`${name} ended with exit code ${exitCode}`)
  return { ...verdict, passed: verdict.passed && problems.length === 0, steps, problems }
}

/** What consumers that leave as they should cost those that stay. Meant for handlers that never fail. */
function judgeHandover(
  ledger: readonly LedgerLine[],
  group: string,
  { afterEntryId, untilEntryId }: Handover,
): HandoverReport {
  const finishes = new Map<string, number>()
  for (const line of ledger) {
    if (!('attempt' in line) || line.group !== group) continue
    if (compareIds(line.entryId, afterEntryId) <= 0 || compareIds(line.entryId, untilEntryId) > 0) continue
    finishes.set(line.entryId, (finishes.get(line.entryId) ?? 0) + (line.what === 'finished' ? 1 : 0))
  }
  return { delivered: finishes.size, finishedTwice: [...finishes.values()].filter((times) => times > 1).length }
}

export function show(verdict: SmokeVerdict): string {
  return inFull(verdict, [
    ...verdict.steps.map(({ name, seen, recovery, handover }): [string, string] => {
      return [name, `${seen}${recoveryText(recovery)}${handoverText(handover)}`]
    }),
    ...verdict.problems.map((problem): [string, string] => ['problem', problem]),
  ])
}

const recoveryText = (recovery?: Recovery) =>
  recovery ? `; ${recovery.elsewhere} ran elsewhere, the last one after ${recovery.worstMs ?? 0} ms` : ''

const handoverText = (handover?: HandoverReport) =>
  handover ? `; of ${handover.delivered} delivered meanwhile ${handover.finishedTwice} finished twice` : ''
