import { Arena } from './arena.ts'
import type { ContestantName } from './contestants/index.ts'
import type { TakenSample } from './results.ts'
import type { Size } from './scenario.ts'
import { type ScenarioName, scenarioOf } from './scenarios/index.ts'

/** Between them they use all that a contestant can do. */
const SHORT: readonly ScenarioName[] = ['burst', 'drain']

export interface Plan {
  program: string
  scenarios: readonly ScenarioName[]
  contestants: readonly ContestantName[]
  /** Those of them that take part in every scenario; the others only in `SHORT` ones. */
  thorough: readonly ContestantName[]
  rounds: number
  size: Size
}

/** One after the other, A B C A B C …, so that what happens to the machine meanwhile happens to all of them. */
export async function* race({
  program,
  scenarios,
  contestants,
  thorough,
  rounds,
  size,
}: Plan): AsyncGenerator<TakenSample> {
  for (const name of scenarios) {
    const scenario = scenarioOf(name)
    const taking = contestants
      .filter((contestant) => thorough.includes(contestant) || SHORT.includes(name))
      .filter((contestant) => scenario.contestants?.(contestant, size) ?? true)
    const count = rounds * (scenario.roundsFactor ?? 1)
    for (let round = 1; round <= count; round += 1)
      for (const contestant of taking) {
        const arena = await Arena.open(contestant, program)
        try {
          yield { scenario: name, contestant, round, figures: await scenario.measure(arena, size) }
        } catch (error) {
          throw new Error(`${name}, ${contestant}, round ${round}`, { cause: error })
        } finally {
          await arena.close()
        }
      }
  }
}
