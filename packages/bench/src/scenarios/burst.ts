import type { Published } from '../protocol.ts'
import type { Scenario } from '../scenario.ts'
import { COSTS, costs } from './costs.ts'

/** Bursts before the measured one: until then, the compiler knows the code. */
const WARM_UPS = { quick: 1, normal: 3, full: 3 }
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

    const published: Published[] = []
    const burst = async () => {
      const newest = await publisher.publish({ queue: 'burst', count })
      published.push(newest)
      const endedAt = await arena.untilAcknowledged(consumers, published.length * count, published)
      return endedAt - newest.startedAt
    }
    for (let i = 0; i < WARM_UPS[size]; i += 1) await burst()

    const before = await arena.read()
    const ms = await burst()
    return { ms, perSecond: (count / ms) * 1_000, ...costs(before, await arena.read(), count) }
  },
}
