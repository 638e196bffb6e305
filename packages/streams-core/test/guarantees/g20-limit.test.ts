import { setTimeout as sleep } from 'node:timers/promises'
import { TcpProxy } from '@redis-streams-processor/testbed'
import { describe, expect } from 'vitest'
import { batch } from '../../src/index.ts'
import { asked } from '../support/asked.ts'
import { mostInASecond, range } from '../support/events.ts'
import { GROUP, type Lab, test } from '../support/lab.ts'

/** Within this time every consumer has seen a change. */
const SEEN_MS = 1_000

function publish(lab: Lab, count: number) {
  const producer = lab.producer({ dedupeMs: 0 })
  return Promise.all(range(count).map((n) => producer.publish('counted', { n })))
}

/** A consumer under a limit, which has handled one event, and others of which have grants that begin later. */
async function startLimited(lab: Lab, perSecond: number) {
  const started: number[] = []
  const consumer = await lab.consumer({ concurrency: 8, handlers: { counted: () => void started.push(Date.now()) } })
  const controls = lab.openControls()
  await controls.limit(perSecond)
  await consumer.reports.until('it is limited', (reports) => reports.of('limited').length === 1)
  await publish(lab, 6)
  await consumer.reports.until('one is handled', (reports) => reports.settled('ack').length === 1)
  const starts = `{${lab.streamName}}:${GROUP}:starts`
  await lab.until('another one has a grant', async () => (await lab.send<number>('ZCARD', starts)) >= 2)
  return { started, consumer, controls, starts }
}

test('G20: what waits for a limit, or for the end of a pause, costs Redis next to nothing', async ({ lab: shared }) => {
  const { lab } = await shared.ownRedis()
  const consumers = [await lab.consumer(), await lab.consumer()]
  await publish(lab, 2)
  const acks = () => consumers.reduce((sum, { reports }) => sum + reports.settled('ack').length, 0)
  await lab.until('both events are handled', () => acks() === 2)
  const idle = await asked(lab)
  const controls = lab.openControls()
  const bothSee = (kind: 'limited' | 'paused') =>
    lab.until(`both are ${kind}`, () => consumers.every(({ reports }) => reports.of(kind).length === 1))

  await controls.limit(0.1)
  await bothSee('limited')
  await publish(lab, 20)
  await lab.until('one is handled', () => acks() === 3)
  const limited = await asked(lab)
  await controls.pause()
  await bothSee('paused')
  const paused = await asked(lab)
  // As when nothing is to be done, and a few more: a hot loop would make thousands.
  for (const { commands } of [limited, paused]) expect(commands).toBeLessThan(idle.commands + 50)
  await controls.limit(undefined)
  await controls.resume()
  await lab.until('all are handled', () => acks() === 22)
})

describe('G20: a limit that is changed', () => {
  test('takes back the starts of the old one when it is removed', async ({ lab }) => {
    const { consumer, controls } = await startLimited(lab, 0.01)
    await controls.limit(undefined)
    await consumer.reports.until('all are handled', (reports) => reports.settled('ack').length === 6)
  })

  test('takes back the starts of the old one when it is lowered', async ({ lab }) => {
    const { started, controls } = await startLimited(lab, 0.5)
    await controls.limit(0.1)
    const changedAt = Date.now()
    await sleep(5_000)
    // The second grant of the old limit begins two seconds after the first start.
    expect(started.filter((at) => at > changedAt + SEEN_MS)).toEqual([])
    await controls.limit(undefined)
    await lab.until('all are handled', () => started.length === 6)
  })

  test('stays what it was when the same one is set again: no start is forgotten', async ({ lab }) => {
    const { started, controls, starts } = await startLimited(lab, 0.5)
    const before = await lab.send('ZCARD', starts)
    await controls.limit(0.5)
    expect(await lab.send('ZCARD', starts)).toBe(before)
    await controls.limit(undefined)
    await lab.until('all are handled', () => started.length === 6)
  })

  test('splits a batch that waits, when it is lowered', async ({ lab }) => {
    const calls: { at: number; size: number }[] = []
    const handle = (events: readonly unknown[]) => void calls.push({ at: Date.now(), size: events.length })
    const counted = batch({ maxSize: 10, maxWaitMs: 20, handle })
    const consumer = await lab.consumer({ concurrency: 4, maxBuffered: 40, handlers: { counted } })
    const controls = lab.openControls()
    await controls.limit(10)
    await consumer.reports.until('it is limited', (reports) => reports.of('limited').length === 1)
    await publish(lab, 40)
    await lab.until('larger batches are handled', () => calls.some(({ size }) => size > 2))
    await controls.limit(2)
    const changedAt = Date.now()
    const later = () => calls.filter(({ at }) => at > changedAt + SEEN_MS)
    await lab.until('some are handled later', () => later().length >= 3)
    expect(later().map(({ size }) => Math.max(size, 2))).toEqual(later().map(() => 2))
    await controls.limit(undefined)
    await consumer.reports.until('all are handled', (reports) => reports.settled('ack').length === 40)
    expect(new Set(consumer.reports.settled('ack').map(({ attempt }) => attempt))).toEqual(new Set([1]))
  })
})

describe('G20: a limit and a slow network', () => {
  test('starts handlers in time, although replies take longer than a span', async ({ lab }) => {
    const proxy = await TcpProxy.start(Number(new URL(lab.url).port))
    lab.onClose(() => proxy.stop())
    const started: number[] = []
    const options = { redis: proxy.url, concurrency: 4, handlers: { counted: () => void started.push(Date.now()) } }
    const consumer = await lab.consumer(options)
    const controls = lab.openControls()
    await controls.limit(4)
    await consumer.reports.until('it is limited', (reports) => reports.of('limited').length === 1)
    proxy.delayReplies(400)
    await publish(lab, 12)
    await consumer.reports.until('all are handled', (reports) => reports.settled('ack').length === 12)
    expect(mostInASecond(started)).toBeLessThanOrEqual(4)
  })

  test('leaves the limit to others when no reply comes in time', async ({ lab }) => {
    const proxy = await TcpProxy.start(Number(new URL(lab.url).port))
    lab.onClose(() => proxy.stop())
    const slow = await lab.consumer({ redis: proxy.url, concurrency: 1, leaseMs: 20_000 })
    const controls = lab.openControls()
    await controls.limit(2)
    await slow.reports.until('it is limited', (reports) => reports.of('limited').length === 1)
    proxy.delayReplies(2_100)
    await publish(lab, 1)
    await lab.until('the slow one waits', async () => (await lab.group()).pending === 1)
    const seen = new Set<string>()
    const starts = `{${lab.streamName}}:${GROUP}:starts`
    const until = Date.now() + 20_000
    while (Date.now() < until) {
      for (const start of await lab.send<string[]>('ZRANGE', starts, 0, -1)) seen.add(start)
      await sleep(100)
    }
    // Every grant is late: one for each of the first questions, and then one each time that it tries again.
    expect(seen.size).toBeLessThanOrEqual(6)
    proxy.delayReplies(0)
    await slow.reports.until('it is handled', (reports) => reports.settled('ack').length === 1)
  })
})
