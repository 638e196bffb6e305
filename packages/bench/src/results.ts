import type { ContestantName } from './contestants/index.ts'
import type { Machine } from './machine.ts'
import type { Sample, Size } from './scenario.ts'
import { type ScenarioName, scenarioOf } from './scenarios/index.ts'
import { type Summary, summarize } from './statistics.ts'

/** Everything that one run found, as `--json` gives it. */
export interface Results {
  startedAt: string
  size: Size
  rounds: number
  machine: Machine
  /** Program or package → version. */
  versions: Readonly<Record<string, string>>
  /** Contestant → how it was set. */
  settings: Partial<Record<ContestantName, string>>
  /** Contestant → why it did not take part. */
  leftOut: Partial<Record<ContestantName, string>>
  samples: readonly TakenSample[]
}

export interface TakenSample {
  scenario: ScenarioName
  contestant: ContestantName
  /** From 1. */
  round: number
  figures: Sample
}

/** The values of one figure; undefined where there are none. */
export function summaryOf(
  { samples }: Pick<Results, 'samples'>,
  scenario: ScenarioName,
  contestant: ContestantName,
  figure: string,
): Summary | undefined {
  const values = samples.flatMap((sample) => {
    const value = sample.figures[figure]
    return sample.scenario === scenario && sample.contestant === contestant && value !== undefined ? [value] : []
  })
  return values.length > 0 ? summarize(values) : undefined
}

/**
 * How many times as much of a figure one contestant has as another, in each round. Rounds are interleaved: so what happens
 * to the machine meanwhile meets both contestants of a round, and their quotient says more than that of two medians.
 */
export function timesOf(
  { samples }: Pick<Results, 'samples'>,
  scenario: ScenarioName,
  figure: string,
  [one, other]: readonly [ContestantName, ContestantName],
): Summary | undefined {
  const of = (contestant: ContestantName, round: number) =>
    samples.find((s) => s.scenario === scenario && s.contestant === contestant && s.round === round)?.figures[figure]
  const rounds = [...new Set(samples.map(({ round }) => round))]
  const times = rounds.flatMap((round) => {
    const [a, b] = [of(one, round), of(other, round)]
    return a === undefined || b === undefined ? [] : [a / b]
  })
  return times.length > 0 ? summarize(times) : undefined
}

/** How many times as good the contestant is as the bare loop, by the figure that its scenario compares. */
export function timesTheBareLoop(
  results: Pick<Results, 'samples'>,
  scenario: ScenarioName,
  contestant: ContestantName,
): Summary | undefined {
  const { figures, comparedBy } = scenarioOf(scenario)
  const figure = figures.find(({ key }) => key === comparedBy)
  if (!figure) return undefined
  return timesOf(results, scenario, figure.key, figure.better === 'more' ? [contestant, 'bare'] : ['bare', contestant])
}
