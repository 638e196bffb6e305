import { spawn } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { ownChild, ownFolder } from '@redis-streams-processor/testbed'
import type { DrillName } from './drills/index.ts'
import { faultsIn } from './judge.ts'
import { inLanes } from './lanes.ts'
import { CORE, type Mutant, mutants } from './mutants.ts'
import type { DrillVerdict } from './run-drill.ts'

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))

export interface MutantVerdict {
  /** `none`: the library as it is, which the same drill must pass. */
  mutant: string
  about: string
  drill: DrillName
  /** A mutant was caught by its sign; or the library as it is passed. */
  isAsExpected: boolean
  /** What the drill saw. */
  because: string
}

/** The longest drill takes about a minute. One that a mutant keeps from ending has judged nothing. */
const DRILL_MS = 240_000

/** Breaks copies of the library, each in one way, and runs that one of these drills that must turn red, and say why. */
export async function* runMutants(drills: readonly DrillName[], lanes: number): AsyncGenerator<MutantVerdict> {
  const chosen = Object.entries(mutants).filter(([, { drill }]) => drills.includes(drill))
  const works = chosen.flatMap(([mutant, { about, drill, events }], n, all) => {
    const isFirst = all.findIndex(([, other]) => other.drill === drill && other.events === events) === n
    const control = async (): Promise<MutantVerdict> => {
      const { passed, because } = await runBroken([], drill, events)
      return { mutant: 'none', about: 'the library as it is', drill, isAsExpected: passed, because }
    }
    const broken = async (): Promise<MutantVerdict> => {
      const { isCaught, because } = await catchMutant(mutants[mutant] as Mutant)
      return { mutant, about, drill, isAsExpected: isCaught, because }
    }
    return isFirst ? [control, broken] : [broken]
  })
  yield* inLanes(lanes, works)
}

/** Some faults show only when a zombie comes back at the right moment: a drill may miss a mutant four times, not five times. */
const TRIES = 5

async function catchMutant({ drill, events, sign, edits }: Mutant) {
  let because = ''
  for (let tries = 0; tries < TRIES; tries += 1) {
    const verdict = await runBroken(edits, drill, events)
    because = verdict.because
    if (!verdict.passed && sign.test(because)) return { isCaught: true, because }
  }
  return { isCaught: false, because }
}

/** What the drill says of the library with these edits. */
async function runBroken(edits: Mutant['edits'], drill: DrillName, events: number) {
  const copy = copyProject()
  try {
    for (const [file, from, to] of edits) edit(join(copy, CORE, file), from, to)
    const program = ['--conditions=source', '--import', 'tsx', join(copy, 'packages/drills/src/drill.ts')]
    const options = [drill, '--quick', '--json', '--events', String(events), '--deadline-ms', '30000']
    const stdio: ['ignore', 'pipe', 'ignore'] = ['ignore', 'pipe', 'ignore']
    const child = ownChild(spawn(process.execPath, [...program, ...options], { cwd: copy, stdio, timeout: DRILL_MS }))
    const output = await text(child.stdout)
    // A drill that broke down has judged nothing.
    if (!output.startsWith('{')) return { passed: false, because: 'the drill itself broke down, or did not end' }
    const verdict: DrillVerdict = JSON.parse(output)
    return { passed: verdict.passed, because: [...faultsIn(verdict), ...verdict.complaints].join(', ') || 'nothing' }
  } finally {
    rmSync(copy, { recursive: true, force: true })
  }
}

/** The sources, with links to the dependencies; links between the packages stay inside the copy. */
function copyProject(): string {
  const copy = ownFolder(mkdtempSync(join(tmpdir(), 'redis-streams-mutant-')))
  const isSource = (path: string) => !['node_modules', 'dist', 'test'].includes(basename(path))
  for (const part of ['package.json', 'tsconfig.base.json', 'packages', 'services']) {
    cpSync(join(ROOT, part), join(copy, part), { recursive: true, filter: isSource })
  }
  const scope = '@redis-streams-processor'
  mkdirSync(join(copy, 'node_modules', scope), { recursive: true })
  for (const name of readdirSync(join(ROOT, 'node_modules'))) {
    if (name !== scope && !name.startsWith('.'))
      symlinkSync(join(ROOT, 'node_modules', name), join(copy, 'node_modules', name))
  }
  for (const name of readdirSync(join(copy, 'packages'))) {
    symlinkSync(join(copy, 'packages', name), join(copy, 'node_modules', scope, name))
  }
  return copy
}

function edit(file: string, from: string, to: string): void {
  const source = readFileSync(file, 'utf8')
  if (source.split(from).length !== 2) throw new Error(`${file} does not hold exactly once:\n${from}`)
  writeFileSync(file, source.split(from).join(to))
}
