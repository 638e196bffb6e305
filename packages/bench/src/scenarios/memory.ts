import { setTimeout as sleep } from 'node:timers/promises'
import type { Scenario } from '../scenario.ts'

const EVENTS = { quick: 500, normal: 20_000, full: 100_000 }
/** V8 gives back what loading and compiling took once a process has been idle for some ten seconds. */
const REST_MS = { quick: 200, normal: 20_000, full: 60_000 }

export const memory: Scenario = {
  about: 'one consumer process, resident memory after 20 seconds of rest: since its start, and since 20,000 events',
  figures: [
    { key: 'atRestMb', title: 'at rest', unit: 'MB', better: 'less', decimals: 1 },
    { key: 'afterLoadMb', title: 'at rest after the events', unit: 'MB', better: 'less', decimals: 1 },
  ],
  contestants: (name) => name === 'ours' || name === 'bare',

  async measure(arena, size) {
    const count = EVENTS[size]
    const queue = 'memory'
    const consumer = await arena.startConsumer({ queue, kind: 'count' })
    const residentMb = async () => {
      await sleep(REST_MS[size])
      return (await consumer.usage()).rssBytes / 1_000_000
    }
    const atRestMb = await residentMb()
    const publisher = await arena.start()
    const published = await publisher.publish({ queue, count })
    await arena.untilAcknowledged([consumer], count, [published])
    return { atRestMb, afterLoadMb: await residentMb() }
  },
}
