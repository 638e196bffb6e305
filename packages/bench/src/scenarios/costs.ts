import type { Reading } from '../arena.ts'
import type { Figure, Sample } from '../scenario.ts'

export const COSTS: readonly Figure[] = [
  { key: 'serverCpuUs', title: 'server CPU', unit: 'µs/event', better: 'less', decimals: 1 },
  { key: 'commands', title: 'Redis commands', unit: '/event', better: 'less', decimals: 2 },
  { key: 'clientCpuUs', title: 'client CPU', unit: 'µs/event', better: 'less', decimals: 1 },
]

/** What each of so many events has cost between two readings. */
export function costs(before: Reading, after: Reading, events: number): Sample {
  const perEvent = (a: number | undefined, b: number | undefined) =>
    a === undefined || b === undefined ? undefined : (b - a) / events
  return {
    serverCpuUs: perEvent(before.server?.cpuUs, after.server?.cpuUs),
    commands: perEvent(before.server?.commands, after.server?.commands),
    clientCpuUs: perEvent(before.clientCpuUs, after.clientCpuUs),
  }
}
