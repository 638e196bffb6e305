import { describe, expect } from 'vitest'
import { range } from '../support/events.ts'
import { test } from '../support/lab.ts'

/** Handlers that run at the same time by default. */
const CONCURRENCY = 16

describe('a consumer reads ahead what will start soon', () => {
  test('slow handlers: three consumers share the events, and none holds what another could run', async ({ lab }) => {
    const slowly = () => new Promise<void>((resolve) => setTimeout(resolve, 300))
    const consumers = await Promise.all(range(3).map(() => lab.consumer({ handlers: { counted: slowly } })))
    const producer = lab.producer()
    // The first round teaches each consumer how long its handlers take.
    for (const count of [3 * CONCURRENCY, 300]) {
      const before = consumers.map(({ reports }) => reports.settled('ack').length)
      await Promise.all(range(count).map((n) => producer.publish('counted', { n })))
      const shares = () => consumers.map(({ reports }, i) => reports.settled('ack').length - (before[i] as number))
      await lab.until('all are handled', () => shares().reduce((sum, share) => sum + share) === count)
      expect(Math.max(...shares()) - Math.min(...shares())).toBeLessThanOrEqual(CONCURRENCY)
    }
  })

  test('a fixed buffer holds as many as it is told to, however slow the handlers are', async ({ lab }) => {
    let finish = () => {}
    const finished = new Promise<void>((resolve) => {
      finish = resolve
    })
    const settings = { concurrency: 2, maxBuffered: 30, handlers: { counted: () => finished } }
    const consumer = await lab.consumer(settings)
    const producer = lab.producer()
    await Promise.all(range(100).map((n) => producer.publish('counted', { n })))
    await lab.until('it holds 32', async () => (await lab.group()).pending === 32)
    finish()
    await consumer.reports.until('all are handled', (reports) => reports.settled('ack').length === 100)
  })

  test('instant handlers: a read brings hundreds', async ({ lab: shared }) => {
    const { lab } = await shared.ownRedis()
    const count = 30_000
    const producer = lab.producer({ maxBuffered: count, publishTimeoutMs: 40_000 })
    await lab.send('XGROUP', 'CREATE', lab.streamName, 'group_1', '0', 'MKSTREAM')
    await Promise.all(range(count).map((n) => producer.publish('counted', { n })))
    await lab.send('CONFIG', 'RESETSTAT')
    const handled = new Set<number>()
    await lab.consumer({ handlers: { counted: ({ data }) => void handled.add(data.n) } })
    await lab.until('all are handled', () => handled.size === count)
    const info = await lab.send<string>('INFO', 'commandstats')
    const reads = Number(/cmdstat_xreadgroup:calls=(\d+)/.exec(info)?.[1])
    expect(count / reads).toBeGreaterThan(100)
  })
})
