import { type ParseArgsConfig, parseArgs } from 'node:util'
import { type ContestantName, contestantNames, entrantOf } from './contestants/index.ts'
import type { Size } from './scenario.ts'
import { type ScenarioName, scenarioNames, scenarioOf } from './scenarios/index.ts'

const options = {
  only: { type: 'string' },
  contestants: { type: 'string' },
  rounds: { type: 'string' },
  quick: { type: 'boolean', default: false },
  full: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
  markdown: { type: 'string' },
  plot: { type: 'string' },
  list: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} satisfies ParseArgsConfig['options']

/** With `--quick`, each contestant shows that it still works, and each scenario. */
const QUICK: readonly ContestantName[] = ['ours', 'bare', 'bullmq']

export interface Arguments {
  scenarios: readonly ScenarioName[]
  contestants: readonly ContestantName[]
  /** Those of them that take part in every scenario; the others only in `SHORT` ones. */
  thorough: readonly ContestantName[]
  rounds: number
  size: Size
  isList: boolean
  isJson: boolean
  /** Where the JSON goes. Default: to standard output. */
  jsonFile: string | undefined
  /** A file of `--json`, to be printed instead of a run. */
  markdownOf: string | undefined
  /** A file of `--json`, to be drawn instead of a run. */
  plotOf: string | undefined
}

/** A wrong use of the program. The message is for a person. */
export class WrongArgumentError extends Error {
  override readonly name = 'WrongArgumentError'
}

/** @throws {WrongArgumentError} */
export function readArguments(args: readonly string[]): Arguments {
  const { values, positionals } = parsed(args)
  if (values.quick && values.full) throw new WrongArgumentError('--quick or --full, not both')
  if (positionals.length > (values.json ? 1 : 0)) throw new WrongArgumentError(`unexpected: ${positionals.join(' ')}`)
  const scenarios = chosen('scenario', values.only, scenarioNames)
  const contestants = chosen('contestant', values.contestants, contestantNames)
  const size = values.quick ? 'quick' : values.full ? 'full' : 'normal'
  const empty = scenarios.find((name) => !contestants.some((one) => scenarioOf(name).contestants?.(one, size) ?? true))
  if (empty && values.only !== undefined) throw new WrongArgumentError(`${empty}: none of these contestants takes part`)
  const rounds = values.rounds === undefined ? undefined : wholeNumber('--rounds', values.rounds)
  return {
    scenarios,
    contestants,
    thorough: values.quick && values.contestants === undefined ? QUICK : contestants,
    rounds: rounds ?? (values.quick ? 1 : 5),
    size,
    isList: values.list || values.help,
    isJson: values.json,
    jsonFile: positionals[0],
    markdownOf: values.markdown,
    plotOf: values.plot,
  }
}

/** What can be chosen, for `--list`. */
export function listing(): string {
  return [
    'scenarios (--only a,b):',
    ...scenarioNames.map((name) => `  ${name.padEnd(12)} ${scenarioOf(name).about}`),
    'contestants (--contestants a,b):',
    ...contestantNames.map((name) => `  ${name.padEnd(12)} ${entrantOf(name).title}, on ${entrantOf(name).server}`),
  ].join('\n')
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true })
  } catch (error) {
    throw new WrongArgumentError((error as Error).message)
  }
}

/** Those of a list that are named; in the order of the list. Default: all. */
function chosen<T extends string>(what: string, text: string | undefined, all: readonly T[]): readonly T[] {
  if (text === undefined) return all
  const names = text.split(',')
  const unknown = names.filter((name) => !(all as readonly string[]).includes(name))
  if (unknown.length > 0) throw new WrongArgumentError(`no such ${what}: ${unknown.join(', ')}\n${listing()}`)
  return all.filter((name) => names.includes(name))
}

function wholeNumber(name: string, text: string): number {
  if (!/^[1-9]\d*$/.test(text)) throw new WrongArgumentError(`${name}: expected a whole number above 0, got ${text}`)
  return Number(text)
}
