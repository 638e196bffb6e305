import { newStandardSecret } from '@redis-streams-processor/events'
import { freePort, sendOnce } from '@redis-streams-processor/testbed'
import type { Scenario } from '../scenario.ts'

const REQUESTS = { quick: 500, normal: 20_000, full: 100_000 }

export const ingest: Scenario = {
  about:
    'signed webhooks of 512 bytes over 50 connections that stay open, from a process whose CPU does not count: the producer service, and bare node:http in the place of the bare loop',
  figures: [
    { key: 'cpuUs', title: 'CPU of the endpoint', unit: 'µs/request', better: 'less', decimals: 1 },
    { key: 'perSecond', title: 'speed', unit: 'requests/s', better: 'more' },
  ],
  comparedBy: 'cpuUs',
  contestants: (name) => name === 'ours' || name === 'bare',
  roundsFactor: 3,

  async measure(arena, size) {
    const count = REQUESTS[size]
    const queue = 'ingest'
    const secret = newStandardSecret()
    const endpoint = await arena.start()
    const url = await endpoint.serve({ queue, port: await freePort(), secret })
    const sender = await arena.start()
    await sender.sendWebhooks({ url, secret, count })

    const before = await endpoint.usage()
    const { startedAt, endedAt } = await sender.sendWebhooks({ url, secret, count })
    const after = await endpoint.usage()
    const entries = await sendOnce<number>(arena.server.url, ['XLEN', queue])
    if (entries !== 2 * count) throw new Error(`of ${2 * count} webhooks, ${entries} were appended`)
    return { cpuUs: (after.cpuUs - before.cpuUs) / count, perSecond: (count / (endedAt - startedAt)) * 1_000 }
  },
}
