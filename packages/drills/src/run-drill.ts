import { asRecord } from '@redis-streams-processor/testbed'
import { Arena, STREAM } from './arena.ts'
import { chainedKey, effectsKey } from './handlers.ts'
import { type Counts, count, judge, type Verdict } from './judge.ts'
import { type Recovery, timeRecovery } from './recovery.ts'
import { type Drill, type DrillOptions, Stage } from './stage.ts'

export interface DrillVerdict extends Verdict {
  drill: string
  faults: number
  recovery: Recovery
  /** What else was wrong. */
  complaints: string[]
}

/**
 * Runs one drill on a Redis of its own, and judges it.
 * @throws the error that broke the drill down: a drill that ran by half is not judged.
 */
export async function runDrill(name: string, drill: Drill, options: DrillOptions): Promise<DrillVerdict> {
  const arena = await Arena.open(drill.server)
  const stage = new Stage(arena, options)
  try {
    await arena.send('XGROUP', 'CREATE', STREAM.name, stage.group, '0', 'MKSTREAM')
    await drill.run(stage)
    await stage.close()
    return { drill: name, ...(await verdictOn(stage)) }
  } finally {
    await stage.close().catch(() => {})
    await arena.close()
  }
}

async function verdictOn(stage: Stage): Promise<Omit<DrillVerdict, 'drill'>> {
  const { arena, groups, takedowns, outages, faults, complaints } = stage
  const states = await Promise.all(groups.map((group) => arena.group(group).state()))
  const openWork = states.reduce((sum, state) => sum + state.openWork, 0)
  const verdict = judge(stage.counts ?? (await countsOf(stage)), openWork)
  const recovery = timeRecovery(arena.ledger(), takedowns, outages)
  judgeRecovery(stage, recovery)
  complaints.push(...arena.failedLedgers)
  return { faults, ...verdict, passed: verdict.passed && complaints.length === 0, recovery, complaints }
}

/** What every event came to, by the ledger, the effects and the dead letters. */
async function countsOf({ arena, groups, handlers, doomed, destroyed, complaints }: Stage): Promise<Counts> {
  const effects: Record<string, Map<string, number>> = {}
  const deadLetters: Record<string, string[]> = {}
  for (const group of groups) {
    deadLetters[group] = (await arena.group(group).deadLetters()).map(({ id }) => id)
    const counts = Object.entries(asRecord(await arena.send('HGETALL', effectsKey(group))))
    effects[group] = new Map(counts.map(([id, count]) => [id, Number(count)]))
    const written = [...effects[group].values()].reduce((sum, count) => sum + count, 0)
    const chained = await arena.send<number>('XLEN', chainedKey(group))
    if (chained !== written) complaints.push(`${group}: ${written} effects, but ${chained} entries chained`)
  }
  const evidence = { ledger: arena.ledger(), groups, deadLetters, doomed, destroyed }
  return count(handlers === 'drill' ? { ...evidence, effects } : evidence)
}

function judgeRecovery(stage: Stage, { timed, worstMs = 0 }: Recovery): void {
  const { mustRecover, maxRecoveryMs = Number.POSITIVE_INFINITY, options } = stage
  // Quick runs are for machines that do other things as well: a little more is allowed there.
  const most = maxRecoveryMs + (options.quick ? 2_000 : 0)
  stage.complainUnless(timed > 0 || !mustRecover, 'no recovery could be timed')
  stage.complainUnless(worstMs <= most, `an entry waited ${worstMs} ms for a new owner, at most ${most} are allowed`)
}
