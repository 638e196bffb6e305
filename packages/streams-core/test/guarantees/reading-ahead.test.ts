import { TcpProxy } from '@redis-streams-processor/testbed'
import { describe, expect } from 'vitest'
import { Connection } from '../../src/broker/connection.ts'
import { IntakeBroker } from '../../src/broker/intake.ts'
import { Keys } from '../../src/broker/keys.ts'
import { Member } from '../../src/broker/member.ts'
import { batch, type EventOf } from '../../src/index.ts'
import { range, type TestCatalog } from '../support/events.ts'
import { GROUP, test } from '../support/lab.ts'
import { latch } from '../support/latch.ts'

type Counted = EventOf<TestCatalog, 'counted'>
type Noted = EventOf<TestCatalog, 'noted'>

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
      let most = 0
      await lab.until('all are handled', async () => {
        for (const { pending } of (await lab.view().consumers()).values()) most = Math.max(most, pending)
        return shares().reduce((sum, share) => sum + share) === count
      })
      expect(most).toBeLessThanOrEqual(CONCURRENCY)
      expect(Math.max(...shares()) - Math.min(...shares())).toBeLessThanOrEqual(CONCURRENCY)
    }
  })

  test('handlers that compute: no more is held than what starts soon', async ({ lab }) => {
    const count = 2_000
    let [handled, most] = [0, 0]
    const counted = () => {
      const until = performance.now() + 1
      while (performance.now() < until);
      handled += 1
    }
    await lab.consumer({ handlers: { counted } })
    const producer = lab.producer()
    await Promise.all(range(count).map((n) => producer.publish('counted', { n })))
    await lab.until('all are handled', async () => {
      most = Math.max(most, (await lab.group()).pending)
      return handled === count
    })
    // 50 of a millisecond each start within 50 ms.
    expect(most).toBeLessThanOrEqual(3 * 50)
  })

  test('a fixed buffer holds as many as it is told to, however slow the handlers are', async ({ lab }) => {
    const gate = latch()
    lab.onClose(async () => gate.resolve())
    const settings = { concurrency: 2, maxBuffered: 30, handlers: { counted: () => gate.promise } }
    const consumer = await lab.consumer(settings)
    const producer = lab.producer()
    await Promise.all(range(100).map((n) => producer.publish('counted', { n })))
    await lab.until('it holds 32', async () => (await lab.group()).pending === 32)
    gate.resolve()
    await consumer.reports.until('all are handled', (reports) => reports.settled('ack').length === 100)
  })

  test('while acknowledgements are on their way, the slots go on: as many again are read, and no more', async ({
    lab: shared,
  }) => {
    const { redis, lab } = await shared.ownRedis()
    const proxy = await TcpProxy.start(redis.port)
    lab.onClose(() => proxy.stop())
    // Of the two connections, the one that does not read is opened first.
    const urls = [proxy.url]
    const settings = { concurrency: 2, maxBuffered: 10 }
    const { reports } = await lab.consumer({ ...settings, redis: () => urls.shift() ?? redis.url })
    // A reply is late after 4 s.
    proxy.delayReplies(3_500)
    const producer = lab.producer()
    await Promise.all(range(100).map((n) => producer.publish('counted', { n })))
    const delivered = async () => (await lab.view().state()).delivered
    // With 18, half a buffer is not free any more.
    await lab.until('no further read is worth it', async () => (await delivered()) >= 18)
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect(reports.settled('ack')).toEqual([])
    expect(await delivered()).toBeLessThanOrEqual(22)
    proxy.delayReplies(0)
    await reports.until('all are handled', () => reports.settled('ack').length === 100)
  })

  test('instant handlers: a read brings hundreds', async ({ lab: shared }) => {
    const { lab } = await shared.ownRedis()
    const count = 30_000
    const producer = lab.producer({ maxBuffered: count, publishTimeoutMs: 40_000 })
    await lab.send('XGROUP', 'CREATE', lab.streamName, GROUP, '0', 'MKSTREAM')
    await Promise.all(range(count).map((n) => producer.publish('counted', { n })))
    await lab.send('CONFIG', 'RESETSTAT')
    const handled = new Set<number>()
    await lab.consumer({ handlers: { counted: ({ data }) => void handled.add(data.n) } })
    await lab.until('all are handled', () => handled.size === count)
    const info = await lab.send<string>('INFO', 'commandstats')
    const reads = Number(/cmdstat_xreadgroup:calls=(\d+)/.exec(info)?.[1])
    expect(count / reads).toBeGreaterThan(100)
  })

  test('handlers that turn slow: what was asked for before comes, and nothing more', async ({ lab }) => {
    const gate = latch()
    lab.onClose(async () => gate.resolve())
    let isSlow = false
    const turning = await lab.consumer({
      blockMs: 50,
      handlers: { counted: () => (isSlow ? gate.promise : undefined) },
    })
    const producer = lab.producer()
    const publish = (count: number) => Promise.all(range(count).map((n) => producer.publish('counted', { n })))
    await publish(500)
    await turning.reports.until('it is fast', (reports) => reports.settled('ack').length === 500)
    isSlow = true
    // They meet a read that is waiting already and has asked for many; one more may be sent before it shows.
    await publish(100)
    await lab.until('it holds them', async () => (await lab.group()).pending === 100)
    await new Promise((resolve) => setTimeout(resolve, 400))
    const idle = await lab.consumer()
    await publish(300)
    await idle.reports.until('the idle one handles the others', (reports) => reports.settled('ack').length === 300)
    gate.resolve()
    await turning.reports.until('all are handled', (reports) => reports.settled('ack').length === 600)
  })

  test('a read of no entries is refused: to Redis, COUNT 0 is no limit', async ({ lab }) => {
    const connection = new Connection({ redis: lab.url, name: 'reading' })
    lab.onClose(() => connection.close())
    await connection.ready()
    await lab.send('XGROUP', 'CREATE', lab.streamName, GROUP, '0', 'MKSTREAM')
    await lab.producer().publish('counted', { n: 1 })
    const keys = new Keys(lab.streamName)
    const intake = new IntakeBroker(new Member(connection, keys, { group: GROUP, consumer: 'reading', leaseMs: 1_000 }))
    await expect(intake.read(0, 10)).rejects.toThrow(RangeError)
    expect((await lab.group()).pending).toBe(0)
  })

  test('a handler that runs on although its lease is lost keeps its place: nothing is read for it', async ({ lab }) => {
    const gate = latch()
    lab.onClose(async () => gate.resolve())
    const started: number[] = []
    const handlers = {
      counted: async ({ data }: { data: { n: number } }) => {
        started.push(data.n)
        await gate.promise
      },
    }
    const hung = await lab.consumer({ concurrency: 2, maxBuffered: 0, leaseMs: 1_000, blockMs: 100, handlers })
    const producer = lab.producer()
    const publish = (count: number) => Promise.all(range(count).map((n) => producer.publish('counted', { n })))
    const entryIds = (await publish(2)).map(({ entryId }) => entryId)
    await lab.until('both slots are taken', () => started.length === 2)
    await lab.send('XCLAIM', lab.streamName, GROUP, 'other', 0, ...entryIds)
    await lab.send('XACK', lab.streamName, GROUP, ...entryIds)
    await hung.reports.until('both leases are lost', (reports) => reports.of('lease-lost').length > 0)
    const { lag } = await lab.group()
    await publish(2)
    // Longer than the reader's block: a reader that saw room would have read.
    await new Promise((resolve) => setTimeout(resolve, 500))
    expect(lag).toBe(0)
    expect(await lab.group()).toMatchObject({ lag: 2, pending: 0 })
    gate.resolve()
    await hung.reports.until('both are handled', (reports) => reports.settled('ack').length === 2)
  })

  test('a slot that a batch frees by its commit lets the reader go on', async ({ lab }) => {
    const producer = lab.producer()
    await producer.publish('counted', { n: 0 })
    const noted = batch<Noted>({
      maxSize: 1,
      maxWaitMs: 0,
      handle: async (_, { commit }) => void (await commit([['INCR', `{${lab.streamName}}:counter`]])),
    })
    const counted = batch<Counted>({ maxSize: 100, maxWaitMs: 60_000, handle() {} })
    const consumer = await lab.consumer({ concurrency: 1, maxBuffered: 0, handlers: { counted, noted } })
    for (const n of range(5)) {
      await producer.publish('noted', { text: `${n}` })
      await consumer.reports.until('it is handled', (reports) => reports.settled('committed').length === n + 1)
    }
    lab.mayLeavePending = true
  })
})
