import { setTimeout as sleep } from 'node:timers/promises'
import type { Scenario } from '../scenario.ts'

const WINDOW_MS = { quick: 500, normal: 10_000, full: 60_000 }
const CONSUMERS = 3

export const idle: Scenario = {
  about: 'three consumers that have nothing to do',
  figures: [
    { key: 'commands', title: 'client commands', unit: '/s and consumer', better: 'less', decimals: 1 },
    { key: 'serverCpu', title: 'server CPU, all three', unit: '%', better: 'less', decimals: 2 },
    { key: 'clientCpu', title: 'client CPU', unit: '% and consumer', better: 'less', decimals: 2 },
  ],
  maxRounds: 3,

  async measure(arena, size) {
    const windowMs = WINDOW_MS[size]
    await arena.startConsumers(CONSUMERS, { queue: 'idle', kind: 'count' })
    // The first rounds of their loops, and what the start has left to the compiler and the collector.
    await sleep(windowMs / 4)

    const before = await arena.read()
    const startedAt = performance.now()
    await sleep(windowMs)
    const percent = 100 / ((performance.now() - startedAt) * 1_000)
    const after = await arena.read()
    const commands = await arena.server.countClientCommands(windowMs)
    return {
      commands: commands === undefined ? undefined : commands / CONSUMERS / (windowMs / 1_000),
      serverCpu: after.server && before.server && (after.server.cpuUs - before.server.cpuUs) * percent,
      clientCpu: ((after.clientCpuUs - before.clientCpuUs) * percent) / CONSUMERS,
    }
  },
}
