import { compareIds } from '@redis-streams-processor/streams-core'
import { failingIn } from '../burst.ts'
import { count, judge, type Verdict } from '../judge.ts'
import { type Recovery, timeRecovery } from '../recovery.ts'
import { inFull } from '../verdict-table.ts'
import type { Outside } from './outside.ts'
import { GROUP, type Stack } from './stack.ts'
import type { Finding } from './step.ts'

export interface StepReport {
  name: string
  seen: string
  seconds: number
  /** Recovery of what the killed, cut off or leaving consumers held. */
  recovery?: Recovery
  /** Of what was first delivered while consumers were replaced: events handled, and those handled twice. */
  handover?: { handled: number; handledTwice: number }
}

export interface SmokeVerdict extends Verdict {
  steps: StepReport[]
  /** How often each status was answered to the webhooks from outside. */
  answers: string
  /** What else is wrong. */
  complaints: readonly string[]
}

/** Judges a stack whose consumers have stopped. */
export async function verdictOn(
  stack: Stack,
  outside: Outside,
  findings: readonly (Finding & { name: string; seconds: number })[],
  failures: readonly string[],
): Promise<SmokeVerdict> {
  const ledger = stack.ledger()
  const letters = (await stack.group.deadLetters()).map(({ id }) => id)
  const evidence = { ledger, groups: [GROUP], deadLetters: { [GROUP]: letters }, doomed: failingIn(ledger) }
  const { openWork } = await stack.group.state()
  const verdict = judge(count(evidence), openWork)
  const steps = findings.map(({ takedowns, handover, ...step }): StepReport => {
    if (!handover) return { ...step, ...(takedowns && { recovery: timeRecovery(ledger, takedowns) }) }
    const { afterEntryId, untilEntryId } = handover
    const isMeanwhile = (id: string) => compareIds(id, afterEntryId) > 0 && compareIds(id, untilEntryId) <= 0
    const meanwhile = ledger.filter((line) => 'attempt' in line && isMeanwhile(line.entryId))
    const { handled, handledTwice } = count({ ...evidence, ledger: meanwhile })
    return { ...step, recovery: timeRecovery(ledger, takedowns ?? []), handover: { handled, handledTwice } }
  })
  const complaints = [
    ...failures,
    ...outside.complaints(),
    ...steps.flatMap(complaintsAboutStep),
    ...stack.watch.unexpectedDeaths().map(({ name, exitCode }) => `${name} ended with exit code ${exitCode}`),
  ]
  return { ...verdict, passed: verdict.passed && complaints.length === 0, steps, answers: outside.told, complaints }
}

/** A consumer that leaves as it should finishes what runs; of all others, everything must run elsewhere. */
function complaintsAboutStep({ name, recovery, handover }: StepReport): string[] {
  if (handover) return handover.handledTwice > 0 ? [`${name}: ${handover.handledTwice} events were handled twice`] : []
  return recovery && recovery.elsewhere < recovery.held ? [`${name}: not all of its entries ran elsewhere`] : []
}

export function show(verdict: SmokeVerdict): string {
  return inFull(verdict, [
    ['webhooks answered', verdict.answers],
    ...verdict.steps.map(({ name, seen, recovery: r, handover: h }): [string, string] => {
      const elsewhere = r ? `; ${r.elsewhere} ran elsewhere, the last one after ${r.worstMs ?? 0} ms` : ''
      const meanwhile = h ? `; of ${h.handled} events meanwhile ${h.handledTwice} were handled twice` : ''
      return [name, `${seen}${elsewhere}${meanwhile}`]
    }),
    ...verdict.complaints.map((complaint): [string, string] => ['complaint', complaint]),
  ])
}
