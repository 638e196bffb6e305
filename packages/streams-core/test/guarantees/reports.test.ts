import { describe, expect } from 'vitest'
import { createProducer, defineStream, type Report, StreamFullError } from '../../src/index.ts'
import { catalog } from '../support/events.ts'
import { GROUP, test } from '../support/lab.ts'
import { latch } from '../support/latch.ts'

// What metrics are made of. What becomes of each delivery is in outcomes.test.ts.

describe('a producer reports the answer of every publish', () => {
  test('appended, duplicate, invalid, full, closed, timed out', async ({ lab }) => {
    const reports: Report[] = []
    const producer = lab.producer({ onReport: (report) => reports.push(report) }, { maxLength: 1 })
    await producer.publish('counted', { n: 1 }, { id: 'a' })
    await producer.publish('counted', { n: 1 }, { id: 'a' })
    await expect(producer.publish('counted', { n: 'one' } as never)).rejects.toThrow()
    await expect(producer.publish('counted', { n: 2 })).rejects.toThrow(StreamFullError)
    await expect(producer.publishUnchecked('foreign', { n: 2 })).rejects.toThrow(StreamFullError)
    await producer.close()
    await expect(producer.publish('noted', { text: '' })).rejects.toThrow()
    const answers = reports.filter((report) => report.kind === 'publish')
    expect(answers.map(({ result, eventType }) => `${eventType} ${result}`)).toEqual([
      'counted appended',
      'counted duplicate',
      'counted invalid',
      'counted stream-full',
      'foreign stream-full',
      'noted closed',
    ])
    expect(answers[0]?.durationMs).toBeGreaterThan(0)
  })

  test('timed out, while Redis does not answer; and its health says why', async ({ lab: shared }) => {
    const { redis, lab } = await shared.ownRedis()
    const reports: Report[] = []
    const producer = lab.producer({
      ...{ publishTimeoutMs: 500, dedupeMs: 500 },
      onReport: (report) => reports.push(report),
    })
    await producer.ready()
    expect(producer.health()).toEqual({ ready: true })
    await redis.kill()
    await expect(producer.publish('counted', { n: 1 })).rejects.toThrow()
    expect(reports.at(-1)).toMatchObject({ kind: 'publish', result: 'timed-out' })
    expect(producer.health()).toEqual({ ready: false, reason: expect.stringContaining('no connection to Redis: ') })
    await redis.start()
    await lab.until('the producer is ready again', () => producer.health().ready)
    await producer.close()
    expect(producer.health()).toEqual({ ready: false, reason: 'the producer is closed' })
  })

  test('what onReport throws changes no answer', async ({ lab }) => {
    const producer = createProducer(defineStream(lab.streamName, catalog), {
      redis: lab.url,
      onReport() {
        throw new Error('an observer fails')
      },
    })
    lab.onClose(() => producer.close())
    expect(await producer.publish('counted', { n: 1 })).toMatchObject({ duplicate: false })
  })
})

describe('a consumer reports', () => {
  test('why entries were claimed', async ({ lab }) => {
    const producer = lab.producer()
    await lab.send('XGROUP', 'CREATE', lab.streamName, GROUP, '0', 'MKSTREAM')
    const left = await producer.publish('noted', { text: 'left by a dead consumer' })
    const suspect = await producer.publish('noted', { text: 'left twice' })
    await lab.send('XREADGROUP', 'GROUP', GROUP, 'dead', 'STREAMS', lab.streamName, '>')
    await lab.bringBack([left.entryId], { deliveries: 1, idleMs: 60_000 })
    await lab.bringBack([suspect.entryId], { deliveries: 2, idleMs: 60_000 })
    const consumer = await lab.consumer({
      retry: { delayMs: () => 1 },
      handlers: {
        counted(_, { attempt }) {
          if (attempt === 1) throw new Error('once')
        },
      },
    })
    const { entryId } = await producer.publish('counted', { n: 1 })
    await consumer.reports.until('3 events are acknowledged', (reports) => reports.settled('ack').length === 3)
    const claimed = consumer.reports.of('claimed').map(({ reason, entryIds }) => [reason, entryIds])
    expect(claimed.sort()).toEqual([
      ['due', [entryId]],
      ['lease-over', [left.entryId]],
      ['suspect', [suspect.entryId]],
    ])
  })

  test('how old an event was when it got a slot, and how long its handler took', async ({ lab }) => {
    const producer = lab.producer()
    const { entryId } = await producer.publish('noted', { text: 'waits' })
    const [, olderMs] = await lab.send<[string, string]>('TIME').then(async ([seconds, micros]) => {
      const sinceMs = Number(seconds) * 1_000 + Number(micros) / 1_000 - Number(entryId.split('-')[0])
      return [entryId, sinceMs] as const
    })
    const gate = latch()
    const consumer = await lab.consumer({ handlers: { noted: () => gate.promise } })
    await lab.until('the handler runs', async () => (await lab.group()).pending === 1)
    const heldMs = 300
    setTimeout(() => gate.resolve(), heldMs)
    await consumer.reports.until('1 event is acknowledged', (reports) => reports.settled('ack').length === 1)
    const [report] = consumer.reports.settled('ack')
    expect(report?.ageMs).toBeGreaterThanOrEqual(Math.floor(olderMs))
    expect(report?.handlerMs).toBeGreaterThanOrEqual(heldMs - 1)
    expect(report?.durationMs).toBeGreaterThanOrEqual(report?.handlerMs ?? Number.POSITIVE_INFINITY)
  })

  test('what it holds', async ({ lab }) => {
    const gate = latch()
    const consumer = await lab.consumer({ concurrency: 2, maxBuffered: 1, handlers: { counted: () => gate.promise } })
    const producer = lab.producer()
    for (const n of [1, 2, 3, 4]) await producer.publish('counted', { n })
    const isFull = { running: 2, waiting: 1, settling: 0, concurrency: 2 }
    await consumer.reports.until('it is full', (reports) =>
      reports.of('load').some((load) => load.running === isFull.running && load.waiting === isFull.waiting),
    )
    expect(consumer.reports.of('load').at(-1)).toMatchObject(isFull)
    gate.resolve()
    await consumer.reports.until('it holds nothing', (reports) => {
      const { running, waiting, settling } = reports.of('load').at(-1) ?? {}
      return running === 0 && waiting === 0 && settling === 0
    })
  })
})
