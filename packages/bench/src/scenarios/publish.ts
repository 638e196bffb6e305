import type { Scenario } from '../scenario.ts'
import { COSTS, costs } from './costs.ts'

const EVENTS = { quick: 500, normal: 20_000, full: 100_000 }

export const publish: Scenario = {
  about: 'one process publishes; from the first publish to the last answer; nobody consumes',
  figures: [{ key: 'perSecond', title: 'speed', unit: 'events/s', better: 'more' }, ...COSTS],
  comparedBy: 'perSecond',

  async measure(arena, size) {
    const count = EVENTS[size]
    const publisher = await arena.start()
    await publisher.publish({ queue: 'warm-up', count })
    // Connects.
    await publisher.publish({ queue: 'publish', count: 1 })

    const before = await arena.read()
    const { startedAt, endedAt } = await publisher.publish({ queue: 'publish', count })
    return { perSecond: (count / (endedAt - startedAt)) * 1_000, ...costs(before, await arena.read(), count) }
  },
}
