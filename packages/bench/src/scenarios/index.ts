import type { Scenario } from '../scenario.ts'
import { burst } from './burst.ts'
import { drain } from './drain.ts'
import { publish } from './publish.ts'

export const scenarios = { burst, drain, publish } satisfies Record<string, Scenario>

export type ScenarioName = keyof typeof scenarios

export const scenarioNames = Object.keys(scenarios) as ScenarioName[]

export const scenarioOf = (name: ScenarioName): Scenario => scenarios[name]
