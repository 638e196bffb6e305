import type { LedgerLine } from '@redis-streams-processor/service-kit'
import { judge, judgeRecovery, type Recovery, type Verdict } from '../judge.ts'
import { table } from '../verdict-table.ts'
import type { Death } from './container-watch.ts'
import { type HandoverReport, judgeHandover } from './handover.ts'
import type { Finding } from './step.ts'

export interface StepReport {
  name: string
  seen: string
  seconds: number
  /** Of what a consumer held that was killed or cut off. */
  recovery?: Recovery
  /** Of what was delivered while consumers were replaced. */
  handover?: HandoverReport
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
  const verdict = judge({ ledger, groups: [group], deadLetters, pending, doomed })
  const steps = evidence.findings.map(({ name, seen, seconds, loss, handover }) => ({
    ...{ name, seen, seconds },
    ...(loss && { recovery: judgeRecovery(ledger, { group, ...loss }) }),
    ...(handover && { handover: judgeHandover(ledger, group, handover) }),
  }))

  const problems = [...evidence.problems]
  const refused = ledger.filter(({ what }) => what === 'refused').length
  if (verdict.published < events) problems.push(`only ${verdict.published} of ${events} events were published`)
  if (refused > 0) problems.push(`${refused} publishes were refused`)
  if (verdict.duplicatesRefused === 0) problems.push('the duplicate publish was not recognised')
  if (doomed.size !== 1) problems.push(`${doomed.size} poison events were published, not one`)
  for (const { name, recovery, handover } of steps) {
    if (recovery && recovery.startedMs === undefined) problems.push(`${name}: not all of its entries ran elsewhere`)
    if (handover && handover.finishedTwice > 0)
      problems.push(`${name}: ${handover.finishedTwice} events finished twice`)
  }
  for (const { name, exitCode } of evidence.unexpectedDeaths) problems.push(`${name} ended with exit code ${exitCode}`)
  return { ...verdict, passed: verdict.passed && problems.length === 0, steps, problems }
}

export function show(verdict: SmokeVerdict): string {
  const { deadLetters, wronglyDeadLettered, missingDeadLetters } = verdict
  return table([
    ['published', verdict.published],
    ['handled', verdict.handled],
    ['lost', [verdict.lost, ...verdict.lostIds.slice(0, 5)].join(' ')],
    ['handled twice', verdict.handledTwice],
    ['dead letters', `${deadLetters} (${wronglyDeadLettered} wrong, ${missingDeadLetters} missing)`],
    ['duplicate publishes refused', verdict.duplicatesRefused],
    ['still pending', verdict.pending],
    ...verdict.steps.map(({ name, seen, recovery, handover }): [string, string] => {
      return [name, `${seen}${recoveryText(recovery)}${handoverText(handover)}`]
    }),
    ...verdict.problems.map((problem): [string, string] => ['problem', problem]),
    ['verdict', verdict.passed ? 'passed: nothing lost' : 'FAILED'],
  ])
}

const recoveryText = (recovery?: Recovery) =>
  recovery ? `; all running elsewhere after ${recovery.startedMs ?? 'never'} ms` : ''

const handoverText = (handover?: HandoverReport) =>
  handover
    ? `; of ${handover.delivered} delivered meanwhile ${handover.finishedTwice} finished twice, ` +
      `${handover.handedOver} handed over, within ${handover.longestWaitMs} ms`
    : ''
