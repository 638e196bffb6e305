import { setTimeout as sleep } from 'node:timers/promises'
import type { Arena } from '../arena.ts'
import type { Scenario } from '../scenario.ts'

const WINDOW_MS = { quick: 500, normal: 10_000, full: 60_000 }
const CONSUMERS = 3

export const idle: Scenario = {
  about: 'three consumers that have nothing to do',
  figures: [
    { key: 'commands', title: 'client commands', unit: '/s and consumer', better: 'less', decimals: 1 },
    { key: 'serverCpu', title: 'server CPU, all three', unit: '%', better: 'less', decimals: 2 },
    { key: 'serverAlone', title: 'without any of them', unit: '%', better: 'less', decimals: 2 },
    { key: 'clientCpu', title: 'client CPU', unit: '% and consumer', better: 'less', decimals: 2 },
  ],
  contestants: (name) => name === 'ours' || name === 'bare',

  async measure(arena, size) {
    const windowMs = WINDOW_MS[size]
    await sleep(windowMs / 4)
    const alone = await cpuWithin(arena, windowMs)
    await arena.startConsumers(CONSUMERS, { queue: 'idle', kind: 'count' })
    // The first rounds of their loops, and what the start has left to the compiler and the collector.
    await sleep(windowMs / 4)
    const used = await cpuWithin(arena, windowMs)
    const commands = await arena.server.countClientCommands(windowMs)
    return {
      commands: commands === undefined ? undefined : commands / CONSUMERS / (windowMs / 1_000),
      serverCpu: used.server,
      serverAlone: alone.server,
      clientCpu: used.client / CONSUMERS,
    }
  },
}

/** CPU time of the server and of all workers, in percent of one core. */
async function cpuWithin(arena: Arena, windowMs: number): Promise<{ server: number | undefined; client: number }> {
  const before = await arena.read()
  const startedAt = performance.now()
  await sleep(windowMs)
  const percent = 100 / ((performance.now() - startedAt) * 1_000)
  const after = await arena.read()
  return {
    server: before.server && after.server && (after.server.cpuUs - before.server.cpuUs) * percent,
    client: (after.clientCpuUs - before.clientCpuUs) * percent,
  }
}
