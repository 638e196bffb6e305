import { describe, expect } from 'vitest'
import { createConsumer } from '../../src/index.ts'
import { range } from '../support/events.ts'
import { GROUP, Lab, startServer, test } from '../support/lab.ts'
import { latch } from '../support/latch.ts'

describe('G15: health tells the truth', () => {
  test('ready while it works, and not before, after, or while Redis does not answer', async ({ lab: shared }) => {
    const redis = await startServer()
    shared.onClose(() => redis.stop())
    const lab = new Lab(redis.url)
    const consumer = createConsumer(lab.stream(), {
      redis: lab.as('consumer'),
      group: GROUP,
      blockMs: 100,
      handlers: { counted() {}, noted() {} },
    })
    expect(consumer.health()).toEqual({ ready: false, reason: 'the consumer is not started' })
    const stopping = new AbortController()
    const running = consumer.run({ signal: stopping.signal })
    await lab.until('the consumer is ready', () => consumer.health().ready)
    await redis.freeze()
    await lab.until('the consumer is not ready', () => !consumer.health().ready)
    expect(consumer.health()).toMatchObject({ reason: expect.stringMatching(/has not answered|no read has completed/) })
    await redis.thaw()
    await lab.until('the consumer is ready again', () => consumer.health().ready)
    stopping.abort()
    await running
    expect(consumer.health()).toEqual({ ready: false, reason: 'the consumer is stopped' })
  })

  test('a stalled event makes the consumer unready, and its end makes the consumer ready again', async ({ lab }) => {
    const gate = latch()
    const consumer = createConsumer(lab.stream(), {
      redis: lab.as('consumer'),
      group: GROUP,
      stalledAfterMs: 1_000,
      handlers: { counted: () => gate.promise, noted() {} },
    })
    const stopping = new AbortController()
    const running = consumer.run({ signal: stopping.signal })
    const { entryId } = await lab.producer().publish('counted', { n: 1 })
    await lab.until('the consumer is ready', () => consumer.health().ready)
    const reason = expect.stringContaining(`the oldest unhandled entry, ${entryId}, has not moved for`)
    await lab.until('the consumer is not ready', () => !consumer.health().ready)
    expect(consumer.health()).toEqual({ ready: false, reason })
    gate.resolve()
    await lab.until('the consumer is ready again', () => consumer.health().ready)
    stopping.abort()
    await running
  })

  test('a report tells when readiness comes and goes', async ({ lab: shared }) => {
    const redis = await startServer()
    shared.onClose(() => redis.stop())
    const lab = new Lab(redis.url)
    const { reports } = await lab.consumer({ blockMs: 100 })
    const told = () => reports.of('health').map(({ kind, group, consumer, ...health }) => health)
    await lab.until('health is told once', () => told().length === 1)
    await redis.kill()
    await lab.until('health is told twice', () => told().length === 2)
    await redis.start()
    await lab.until('health is told three times', () => told().length === 3)
    const reason = expect.stringMatching(/^(Redis has not answered|no read has completed) for \d+ ms$/)
    expect(told()).toEqual([{ ready: true }, { ready: false, reason }, { ready: true }])
    await lab.close()
  })

  test('an event that waits for its retry is no stall', async ({ lab }) => {
    const consumer = await lab.consumer({
      retry: { delayMs: () => 3_600_000 },
      handlers: { counted: () => Promise.reject(new Error('later')) },
    })
    await lab.producer().publish('counted', { n: 1 })
    await consumer.reports.until('the consumer parks an event', (reports) => reports.settled('retry').length === 1)
    expect(await lab.group()).toMatchObject({ waitingForRetry: 1, pending: 0 })
    lab.mayLeavePending = true
  })

  test('lag is right even where XINFO answers nil', async ({ lab }) => {
    await lab.send('XGROUP', 'CREATE', lab.streamName, GROUP, '0', 'MKSTREAM')
    const producer = lab.producer()
    const published = await Promise.all(range(2_500).map((n) => producer.publish('counted', { n })))
    await lab.send('XDEL', lab.streamName, published[1_000]?.entryId as string)
    const info = (await lab.send<unknown[][]>('XINFO', 'GROUPS', lab.streamName))[0] as unknown[]
    expect(info[info.indexOf('lag') + 1]).toBeNull()
    expect(await lab.group()).toMatchObject({ lag: 2_499, pending: 0 })
    await lab.send('XGROUP', 'DESTROY', lab.streamName, GROUP)
  })

  test('a lag that Redis does not know is counted up to 10,000', async ({ lab }) => {
    await lab.send('XGROUP', 'CREATE', lab.streamName, GROUP, '0', 'MKSTREAM')
    const producer = lab.producer({ maxBuffered: 20_000, dedupeMs: 0 })
    const published = await Promise.all(range(11_000).map((n) => producer.publish('counted', { n })))
    expect(await lab.group()).toMatchObject({ lag: 11_000, isLagExact: true })
    await lab.send('XDEL', lab.streamName, published[500]?.entryId as string)
    expect(await lab.group()).toMatchObject({ lag: 10_000, isLagExact: false })
    await lab.send('XTRIM', lab.streamName, 'MAXLEN', 9_000)
    await lab.send('XDEL', lab.streamName, published[5_000]?.entryId as string)
    expect(await lab.group()).toMatchObject({ lag: 8_999, isLagExact: true })
    await lab.send('XGROUP', 'DESTROY', lab.streamName, GROUP)
  })

  test('inspectStream shows what is going on', async ({ lab }) => {
    const gate = latch()
    const consumer = await lab.consumer({
      concurrency: 2,
      maxBuffered: 1,
      handlers: { counted: () => gate.promise },
    })
    const producer = lab.producer()
    for (const n of range(5)) await producer.publish('counted', { n })
    await lab.until('3 entries are pending', async () => (await lab.group()).pending === 3)
    expect(await lab.inspect()).toMatchObject({
      stream: lab.streamName,
      length: 5,
      groups: [
        {
          group: GROUP,
          lag: 2,
          pending: 3,
          waitingForRetry: 0,
          deadLetters: 0,
          droppedUnread: 0,
          oldestUnhandledMs: expect.any(Number),
          consumers: [{ name: consumer.name, pending: 3, idleMs: expect.any(Number) }],
        },
      ],
    })
    gate.resolve()
    await consumer.reports.until('the consumer acknowledges 5 events', (reports) => reports.settled('ack').length === 5)
    expect(await lab.group()).toMatchObject({ lag: 0, pending: 0, oldestUnhandledMs: 0 })
  })

  test('a stream that does not exist has no groups', async ({ lab }) => {
    expect(await lab.inspect()).toMatchObject({ stream: lab.streamName, length: 0, groups: [] })
  })
})
