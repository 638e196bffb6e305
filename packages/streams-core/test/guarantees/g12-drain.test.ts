import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect } from 'vitest'
import { range } from '../support/events.ts'
import { GROUP, test } from '../support/lab.ts'
import { latch } from '../support/latch.ts'

describe('G12: drain', () => {
  test('SIGTERM finishes what runs, releases what waits without charging it, and exits with 0', async ({ lab }) => {
    const settings = { CONCURRENCY: '4', MAX_BUFFERED: '8', LEASE_MS: '20000', LOG_LEVEL: 'info' }
    const leaving = lab.worker('consumer', { ...settings, CONSUMER: 'leaving', WORK_MS: '1500' })
    await lab.until('the consumer joins', () => lab.ledger('joined').length === 1)
    await lab.worker('producer', { BURST: '12', USERS: '2' }).exited()
    await lab.until('the consumer holds 12 entries', async () => (await lab.group()).pending === 12)
    await lab.until('4 events start', () => lab.ledger('started').length === 4)
    leaving.kill('SIGTERM')
    expect(await leaving.exited()).toBe(0)
    expect(lab.ledger('returned')).toHaveLength(4)
    expect(await lab.group()).toMatchObject({ pending: 0, waitingForRetry: 8, consumers: [] })

    // The lease is far from over: what was released need not wait for it.
    lab.worker('consumer', { ...settings, CONSUMER: 'coming', WORK_MS: '1' })
    await lab.until('every event is finished', () => lab.ledger('returned').length === 12)
    expect(lab.ledger('started').map(({ attempt }) => attempt)).toEqual(range(12).map(() => 1))
    expect(new Set(lab.ledger('started').map(({ id }) => id)).size).toBe(12)
  })

  test('a handler that ignores its signal is left behind at the deadline, its entry released', async ({ lab }) => {
    const gate = latch()
    const aborted: unknown[] = []
    const stubborn = await lab.consumer({
      drainTimeoutMs: 500,
      handlers: {
        counted: async (_, { signal }) => {
          signal.addEventListener('abort', () => aborted.push(signal.reason))
          await gate.promise
        },
      },
    })
    await lab.producer().publish('counted', { n: 1 })
    await lab.until('the consumer holds the entry', async () => (await lab.group()).pending === 1)
    await stubborn.stop()
    expect(aborted).toEqual([new Error('the consumer is stopping')])
    expect(stubborn.reports.settled('release')).toMatchObject([{ result: 'unfinished' }])
    expect(stubborn.reports.of('stopped')).toMatchObject([{ unfinished: 1 }])

    const next = await lab.consumer()
    await next.reports.until(
      'the next consumer acknowledges an event',
      (reports) => reports.settled('ack').length === 1,
    )
    expect(next.reports.settled('ack')[0]?.attempt).toBe(2)
    // Its late end must not be written.
    gate.resolve()
    await sleep(50)
    expect(stubborn.reports.settled()).toHaveLength(1)
  })

  test('a handler is not called any more once its entry was left behind, though Redis lets it start then', async ({
    lab: shared,
  }) => {
    const { lab } = await shared.ownRedis()
    const gate = latch()
    const started: number[] = []
    const consumer = await lab.consumer({
      ...{ concurrency: 1, maxBuffered: 1, drainTimeoutMs: 100, idempotency: { ttlMs: 60_000 } },
      handlers: {
        counted: async ({ data }) => {
          started.push(data.n)
          if (data.n === 1) await gate.promise
        },
      },
    })
    const producer = lab.producer()
    // So that Redis knows the scripts.
    await producer.publish('counted', { n: 0 })
    await consumer.reports.until('one is handled', (reports) => reports.settled('ack').length === 1)
    await producer.publish('counted', { n: 1 })
    await producer.publish('counted', { n: 2 })
    await lab.until('one runs, the other one waits', async () => (await lab.group()).pending === 2)
    await lab.send('CLIENT', 'PAUSE', 1_000, 'WRITE')
    gate.resolve()
    // From here on, the second one has the slot, and waits for its idempotency record.
    await new Promise(setImmediate)
    await consumer.stop()
    expect(started).toEqual([0, 1])
    expect(consumer.reports.settled('release')).toMatchObject([{ result: 'unstarted', outcome: { charged: false } }])
    lab.mayLeavePending = true
  })

  test('a handler that heeds its signal ends in time', async ({ lab }) => {
    const consumer = await lab.consumer({
      drainTimeoutMs: 1_000,
      handlers: { counted: (_, { signal }) => sleep(60_000, undefined, { signal }) },
    })
    await lab.producer().publish('counted', { n: 1 })
    await lab.until('the consumer holds the entry', async () => (await lab.group()).pending === 1)
    await consumer.stop()
    expect(consumer.reports.of('stopped')).toMatchObject([{ unfinished: 0 }])
    expect(consumer.reports.settled('retry')).toHaveLength(1)
    const next = await lab.consumer()
    await next.reports.until(
      'the next consumer acknowledges an event',
      (reports) => reports.settled('ack').length === 1,
    )
  })

  test('a rolling restart under load makes no duplicate and charges no delivery', async ({ lab }) => {
    const counts = new Map<number, number>()
    const attempts = new Set<number>()
    const handlers = {
      counted: async ({ data }: { data: { n: number } }, { attempt }: { attempt: number }) => {
        await sleep(5)
        counts.set(data.n, (counts.get(data.n) ?? 0) + 1)
        attempts.add(attempt)
      },
    }
    const join = () => lab.consumer({ handlers, concurrency: 4 })
    const fleet = [await join(), await join(), await join()]
    const producer = lab.producer()
    let published = 0
    const publishing = (async () => {
      for (; published < 2_000; published += 20) {
        await Promise.all(range(20).map((n) => producer.publish('counted', { n: published + n })))
        await sleep(2)
      }
    })()
    for (const leaving of fleet) {
      await lab.until('100 events are handled', () => counts.size > 100)
      const replacement = join()
      await leaving.stop()
      await replacement
    }
    await publishing
    await lab.until('every event is handled', () => counts.size === 2_000)
    expect([...counts.values()].filter((count) => count !== 1)).toEqual([])
    expect([...attempts]).toEqual([1])
  })

  test('a delivery whose reply was lost is released, too', async ({ lab }) => {
    await lab.send('XGROUP', 'CREATE', lab.streamName, GROUP, '0', 'MKSTREAM')
    const { entryId } = await lab.producer().publish('counted', { n: 1 })
    await lab.send('XREADGROUP', 'GROUP', GROUP, 'other', 'STREAMS', lab.streamName, '>')
    const leaving = await lab.consumer({ leaseMs: 20_000 })
    await lab.send('XCLAIM', lab.streamName, GROUP, leaving.name, 0, entryId, 'JUSTID')
    await leaving.stop()
    const next = await lab.consumer({ leaseMs: 20_000 })
    await next.reports.until(
      'the next consumer acknowledges an event',
      (reports) => reports.settled('ack').length === 1,
    )
    expect(next.reports.settled('ack')[0]?.attempt).toBe(1)
  })

  test('stopping is prompt although the blocking read would wait for long', async ({ lab }) => {
    // Without it, the drain would outlast the test.
    const consumer = await lab.consumer({ leaseMs: 180_000, blockMs: 60_000, drainTimeoutMs: 120_000 })
    await sleep(100)
    await consumer.stop()
    expect(consumer.reports.of('stopped')).toHaveLength(1)
  })

  test('a consumer that is stopped before it could connect ends all the same', async ({ lab }) => {
    const consumer = lab.startConsumer({ redis: 'redis://127.0.0.1:1' })
    await consumer.reports.until(
      'the consumer tells of its connection',
      (reports) => reports.of('connection').length > 0,
    )
    await consumer.stop()
    expect(consumer.reports.of('stopped')).toHaveLength(1)
  })
})
