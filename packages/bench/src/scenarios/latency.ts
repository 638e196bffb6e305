import type { Scenario } from '../scenario.ts'
import { quantile } from '../statistics.ts'

const PER_SECOND = 1_000
const EVENTS = { quick: 300, normal: 5_000, full: 20_000 }

export const latency: Scenario = {
  about: '1,000 events a second, three consumers: from the call of publish to the start of the handler',
  figures: [
    { key: 'p50', title: 'median', unit: 'ms', better: 'less', decimals: 2 },
    { key: 'p99', title: '99th percentile', unit: 'ms', better: 'less', decimals: 2 },
  ],
  comparedBy: 'p50',

  async measure(arena, size) {
    const count = EVENTS[size]
    const queue = 'latency'
    const consumers = await arena.startConsumers(3, { queue, kind: 'time' })
    const publisher = await arena.start()
    const take = async () => (await Promise.all(consumers.map((consumer) => consumer.latencies()))).flat()

    const warmUp = await publisher.publish({ queue, count, perSecond: PER_SECOND })
    await arena.untilAcknowledged(consumers, count, [warmUp])
    await take()

    const published = await publisher.publish({ queue, count, perSecond: PER_SECOND })
    await arena.untilAcknowledged(consumers, 2 * count, [warmUp, published])
    const ms = (await take()).map((microseconds) => microseconds / 1_000)
    return { p50: quantile(ms, 0.5), p99: quantile(ms, 0.99) }
  },
}
