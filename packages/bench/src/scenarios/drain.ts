import type { Scenario } from '../scenario.ts'
import { COSTS, costs } from './costs.ts'

const WARM_UP = { quick: 500, normal: 20_000, full: 50_000 }
const EVENTS = { quick: 500, normal: 50_000, full: 200_000 }

export const drain: Scenario = {
  about: 'one process consumes a backlog; from its first handler to the last acknowledgement',
  figures: [{ key: 'perSecond', title: 'speed', unit: 'events/s', better: 'more' }, ...COSTS],
  comparedBy: 'perSecond',

  async measure(arena, size) {
    const count = EVENTS[size]
    const warmUpCount = WARM_UP[size]
    const publisher = await arena.start()
    const consumer = await arena.startConsumer({ queue: 'warm-up', kind: 'count' })
    const warmUp = await publisher.publish({ queue: 'warm-up', count: warmUpCount })
    await arena.untilAcknowledged([consumer], warmUpCount, [warmUp])
    await consumer.stopConsuming()
    const published = await publisher.publish({ queue: 'drain', count })
    await publisher.kill()

    const before = await arena.read()
    await consumer.consume({ queue: 'drain', kind: 'count' })
    const endedAt = await arena.untilAcknowledged([consumer], count, [published])
    const ms = endedAt - (consumer.progress?.firstHandledAt ?? 0)
    return { perSecond: (count / ms) * 1_000, ...costs(before, await arena.read(), count) }
  },
}
