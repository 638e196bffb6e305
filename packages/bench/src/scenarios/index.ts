import type { Scenario } from '../scenario.ts'
import { burst } from './burst.ts'
import { drain } from './drain.ts'
import { growth } from './growth.ts'
import { idle } from './idle.ts'
import { ingest } from './ingest.ts'
import { latency } from './latency.ts'
import { memory } from './memory.ts'
import { publish } from './publish.ts'
import { recovery } from './recovery.ts'

export const scenarios = { burst, drain, publish, ingest, latency, growth, idle, memory, recovery } satisfies Record<
  string,
  Scenario
>

export type ScenarioName = keyof typeof scenarios

export const scenarioNames = Object.keys(scenarios) as ScenarioName[]

export const scenarioOf = (name: ScenarioName): Scenario => scenarios[name]
