import type { Scenario } from '../scenario.ts'
import { COSTS, costs } from './costs.ts'

const EVENTS = { quick: 500, normal: 10_000, full: 10_000 }

export const burst: Scenario = {
  about: '10,000 events: one process publishes, three consume; from the first publish to the last acknowledgement',
  figures: [
    { key: 'ms', title: 'time', unit: 'ms', better: 'less' },
    { key: 'perSecond', title: 'speed', unit: 'events/s', better: 'more' },
    ...COSTS,
  ],
  comparedBy: 'ms',

  async measure(arena, size) {
    const count = EVENTS[size]
    const consumers = await arena.startConsumers(3, { queue: 'burst', kind: 'count' })
    const publisher = await arena.start()

    const warmUp = await publisher.publish({ queue: 'burst', count })
    await arena.untilAcknowledged(consumers, count, [warmUp])

    const before = await arena.read()
    const published = await publisher.publish({ queue: 'burst', count })
    const endedAt = await arena.untilAcknowledged(consumers, 2 * count, [warmUp, published])
    const ms = endedAt - published.startedAt
    return { ms, perSecond: (count / ms) * 1_000, ...costs(before, await arena.read(), count) }
  },
}
