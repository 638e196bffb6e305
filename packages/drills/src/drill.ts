import { endOnSignal, endWithoutServer } from '@redis-streams-processor/testbed'
import { endWithWrongArgument, parseArguments, wholeNumber } from './arguments.ts'
import { type DrillName, drills } from './drills/index.ts'
import { faultsIn } from './judge.ts'
import { inLanes } from './lanes.ts'
import { type DrillVerdict, runDrill } from './run-drill.ts'
import { type MutantVerdict, runMutants } from './run-mutants.ts'
import { heading, inShort } from './verdict-table.ts'

// `npm run drill`: all drills, or those named, one after the other, each on a Redis of its own; `--mutants`: the proof
// that these drills see what they are there to see. `--lanes 2` runs two at the same time, as is usual for mutants, which
// takes half as long: drills mostly wait. How fast they are (recovery, and the rates of `backlog`) is better told alone.

endOnSignal()
const { values, positionals } = parseArguments({
  allowPositionals: true,
  options: {
    events: { type: 'string' },
    seed: { type: 'string', default: '1' },
    quick: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    lanes: { type: 'string' },
    'deadline-ms': { type: 'string', default: '240000' },
    mutants: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
  },
})

const names = (positionals.length > 0 ? positionals : Object.keys(drills)) as DrillName[]
const unknown = names.filter((name) => !Object.hasOwn(drills, name))
if (values.list || unknown.length > 0) {
  const list = Object.entries(drills).map(([name, { about }]) => `  ${name.padEnd(18)} ${about}`)
  if (unknown.length > 0) endWithWrongArgument([`no such drill: ${unknown.join(', ')}`, ...list].join('\n'))
  console.log(list.join('\n'))
  process.exit()
}
const lanes = wholeNumber('--lanes', values.lanes ?? (values.mutants ? '2' : '1'), 1)
const seed = wholeNumber('--seed', values.seed)
const deadlineMs = wholeNumber('--deadline-ms', values['deadline-ms'])
const givenEvents = values.events === undefined ? undefined : wholeNumber('--events', values.events)

async function runAll(): Promise<boolean> {
  const verdicts: DrillVerdict[] = []
  if (!values.json) console.log(heading)
  const works = names.map((name) => () => runOne(name))
  for await (const verdict of inLanes(lanes, works)) if (verdict) verdicts.push(verdict)
  verdicts.sort((a, b) => names.indexOf(a.drill as DrillName) - names.indexOf(b.drill as DrillName))
  const allWereJudged = verdicts.length === names.length
  if (values.json && allWereJudged) console.log(JSON.stringify(positionals.length === 1 ? verdicts[0] : verdicts))
  return allWereJudged && verdicts.every(({ passed }) => passed)
}

/** @returns Nothing where the drill broke down. */
async function runOne(name: DrillName): Promise<DrillVerdict | undefined> {
  const drill = drills[name]
  const { quick } = values
  const quickEvents = Math.max(Math.ceil(drill.events / 10), Math.min(drill.events, 500))
  const events = givenEvents ?? (quick ? quickEvents : drill.events)
  const startedAt = Date.now()
  const running = runDrill(name, drill, { events, seed, quick, deadlineMs }).catch(endWithoutServer)
  const verdict = await running.catch((error) => {
    console.error(`  ${name}: broke down`, error)
  })
  if (!verdict) return undefined
  if (!values.json) console.log(inShort(verdict))
  for (const complaint of [...faultsIn(verdict), ...verdict.complaints]) console.error(`  ${name}: ${complaint}`)
  console.error(`  ${name}: ${((Date.now() - startedAt) / 1_000).toFixed(1)} s`)
  return verdict
}

/** Breaks the library on purpose: a mutant that no drill notices is a hole in the drills. */
async function runAllMutants(): Promise<boolean> {
  const verdicts: MutantVerdict[] = []
  for await (const verdict of runMutants(names, lanes)) {
    verdicts.push(verdict)
    const { mutant, drill, isAsExpected, because } = verdict
    const [good, bad] = mutant === 'none' ? ['passed', 'FAILED'] : ['caught', 'SURVIVED']
    if (!values.json) console.log(`${mutant.padEnd(26)}${drill.padEnd(18)}${isAsExpected ? good : bad}: ${because}`)
  }
  if (values.json) console.log(JSON.stringify(verdicts))
  return verdicts.length > 0 && verdicts.every(({ isAsExpected }) => isAsExpected)
}

const isFine = await (values.mutants ? runAllMutants() : runAll())
// A drill that broke down may have left something running.
process.exit(isFine ? 0 : 1)
