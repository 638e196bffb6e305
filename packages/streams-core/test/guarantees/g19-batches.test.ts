import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect } from 'vitest'
import { z } from 'zod'
import {
  batch,
  type CommitError,
  createConsumer,
  defineStream,
  retryAfter,
  type StreamEvent,
  skip,
} from '../../src/index.ts'
import { foreignEntry, range } from '../support/events.ts'
import { GROUP, type Lab, test } from '../support/lab.ts'
import { latch } from '../support/latch.ts'
import { warningsOfNode } from '../support/warnings.ts'

type Counted = StreamEvent<'counted', { n: number }>

const idsOf = (events: readonly Counted[]) => events.map(({ id }) => id)

/** Publishes `counted` events e0, e1, … in this order. */
async function publish(lab: Lab, count: number, from = 0): Promise<string[]> {
  const producer = lab.producer()
  const published = range(count).map((n) => producer.publish('counted', { n: from + n }, { id: `e${from + n}` }))
  return (await Promise.all(published)).map(({ entryId }) => entryId)
}

/** Creates the group before anything is published, so that a consumer finds all of it at once. */
const createGroup = (lab: Lab) => lab.send('XGROUP', 'CREATE', lab.streamName, GROUP, '0', 'MKSTREAM')

describe('G19: a batch handler', () => {
  test('gets full batches while enough events wait, each in one handler slot', async ({ lab }) => {
    await createGroup(lab)
    await publish(lab, 1_000)
    const sizes: number[] = []
    let [running, most] = [0, 0]
    const handle = async (events: readonly Counted[]) => {
      sizes.push(events.length)
      running += 1
      most = Math.max(most, running)
      await sleep(20)
      running -= 1
    }
    const counted = batch({ maxSize: 100, maxWaitMs: 60_000, handle })
    const consumer = await lab.consumer({ concurrency: 4, handlers: { counted } })
    await consumer.reports.until('all are handled', (reports) => reports.settled('ack').length === 1_000)
    expect(sizes).toEqual(Array(10).fill(100))
    expect(most).toBeGreaterThan(1)
    expect(most).toBeLessThanOrEqual(4)
  })

  test('gets what there is once the oldest event has waited maxWaitMs', async ({ lab }) => {
    const batches: string[][] = []
    const counted = batch<Counted>({
      maxSize: 1_000,
      maxWaitMs: 2_000,
      handle: (events) => void batches.push(idsOf(events)),
    })
    const consumer = await lab.consumer({ handlers: { counted } })
    const startedAt = Date.now()
    await publish(lab, 3)
    await publish(lab, 2, 3)
    await consumer.reports.until('all are handled', (reports) => reports.settled('ack').length === 5)
    expect(Date.now() - startedAt).toBeGreaterThanOrEqual(2_000)
    expect(batches).toEqual([['e0', 'e1', 'e2', 'e3', 'e4']])
  })

  test('works with a buffer that is smaller than a batch, and with none', async ({ lab }) => {
    await createGroup(lab)
    await publish(lab, 300)
    const sizes: number[] = []
    const handle = async (events: readonly Counted[]) => {
      sizes.push(events.length)
      await sleep(5)
    }
    const counted = batch({ maxSize: 100, maxWaitMs: 100, handle })
    const consumer = await lab.consumer({ concurrency: 1, maxBuffered: 0, handlers: { counted } })
    await consumer.reports.until('all are handled', (reports) => reports.settled('ack').length === 300)
    expect(sizes).toEqual([100, 100, 100])
  })

  test('runs beside handlers of single events, which do not wait for its batches', async ({ lab }) => {
    const gate = latch()
    const counted = batch({ maxSize: 1_000, maxWaitMs: 60_000, handle: () => gate.promise })
    const consumer = await lab.consumer({ handlers: { counted } })
    await publish(lab, 5)
    await lab.producer().publish('noted', { text: 'alone' })
    await consumer.reports.until('the other is handled', (reports) => reports.settled('ack').length === 1)
    expect(consumer.reports.settled()).toMatchObject([{ eventType: 'noted' }])
    await consumer.stop()
    expect(consumer.reports.settled('release')).toHaveLength(5)
    lab.mayLeavePending = true
  })

  test('lets some of its events fail, skips and rejects others; the rest is acknowledged', async ({ lab }) => {
    await createGroup(lab)
    await publish(lab, 6)
    const handle = batch<Counted>({
      maxSize: 6,
      handle(events, context) {
        if (events.length < 6) return
        context.fail('e1', new Error('broken'))
        context.skip('e2', 'nothing to do')
        context.reject('e3', 'never')
        context.retryAfter('e4', 10)
        try {
          retryAfter(20)
        } catch (said) {
          context.fail('e5', said)
        }
      },
    })
    const consumer = await lab.consumer({ retry: { delayMs: () => 10 }, handlers: { counted: handle } })
    await consumer.reports.until('all are settled', (reports) => reports.settled('ack').length === 4)
    const firsts = consumer.reports.settled().filter(({ attempt }) => attempt === 1)
    expect(Object.fromEntries(firsts.map(({ eventId, outcome }) => [eventId, outcome]))).toMatchObject({
      e0: { type: 'ack' },
      e1: { type: 'retry', error: 'broken' },
      e2: { type: 'skip', reason: 'nothing to do' },
      e3: { type: 'dead-letter', reason: 'rejected' },
      e4: { type: 'retry', delayMs: 10 },
      e5: { type: 'retry', delayMs: 20 },
    })
    expect(await lab.deadLetters()).toMatchObject([{ eventId: 'e3', error: 'never' }])
  })

  test('is told of an event id that is not in its batch, and of one that fails after commit', async ({ lab }) => {
    const codes: unknown[] = []
    const codeOf = (call: () => unknown) => {
      try {
        call()
      } catch (error) {
        codes.push((error as CommitError).code)
      }
    }
    const counted = batch<Counted>({
      maxWaitMs: 0,
      async handle(_, { fail, commit }) {
        codeOf(() => fail('e7', new Error('no such event')))
        await commit([])
        codeOf(() => fail('e0', new Error('too late')))
        await commit([]).catch((error) => codes.push(error.code))
      },
    })
    const consumer = await lab.consumer({ handlers: { counted } })
    await publish(lab, 1)
    await consumer.reports.until('it is committed', (reports) => reports.settled('committed').length === 1)
    expect(codes).toEqual(['UNKNOWN_EVENT', 'BATCH_CLOSED', 'COMMITTED_BEFORE'])
  })

  test('is halved when it throws: only the culprits fail, and everything is charged once', async ({ lab }) => {
    await createGroup(lab)
    await publish(lab, 64)
    const calls: string[][] = []
    const handle = async (events: readonly Counted[]) => {
      calls.push(idsOf(events))
      if (events.some(({ data }) => data.n === 13)) throw new Error('no 13')
      if (events.some(({ data }) => data.n === 40)) skip('no 40')
    }
    const counted = batch({ maxSize: 64, handle })
    const consumer = await lab.consumer({ retry: { maxDeliveries: 1 }, handlers: { counted } })
    await consumer.reports.until('all are settled', (reports) => reports.settled().length === 64)
    expect(consumer.reports.settled('dead-letter')).toMatchObject([{ eventId: 'e13', result: 'threw' }])
    expect(consumer.reports.settled('skip')).toMatchObject([{ eventId: 'e40' }])
    expect(consumer.reports.settled().every(({ attempt }) => attempt === 1)).toBe(true)
    // The whole, its two halves, and two parts for each further halving of either.
    expect(calls).toHaveLength(1 + 2 + 2 * 5 * 2)
  })

  test('is halved as often as it takes without leaving listeners behind', async ({ lab }) => {
    const warnings = warningsOfNode(lab)
    await createGroup(lab)
    await publish(lab, 1_000)
    const counted = batch<Counted>({
      maxSize: 1_000,
      handle(events, { signal }) {
        if (!signal.aborted && events.some(({ data }) => data.n === 0)) throw new Error('no 0')
      },
    })
    const consumer = await lab.consumer({ maxBuffered: 1_000, retry: { maxDeliveries: 1 }, handlers: { counted } })
    await consumer.reports.until('all are settled', (reports) => reports.settled().length === 1_000)
    expect(warnings).toEqual([])
  })

  test('a call that is over gets no listeners either, when it asks for its signal late', async ({ lab }) => {
    const warnings = warningsOfNode(lab)
    await createGroup(lab)
    await publish(lab, 1_000)
    const mayAsk = latch()
    const asked: Promise<boolean>[] = []
    const counted = batch<Counted>({
      maxSize: 1_000,
      handle(events, context) {
        asked.push(mayAsk.promise.then(() => context.signal.aborted))
        if (events.some(({ data }) => data.n === 0)) throw new Error('no 0')
      },
    })
    const consumer = await lab.consumer({ maxBuffered: 1_000, retry: { maxDeliveries: 1 }, handlers: { counted } })
    await consumer.reports.until('all are settled', (reports) => reports.settled().length === 1_000)
    mayAsk.resolve()
    await Promise.all(asked)
    // Node tells warnings a little later.
    await new Promise(setImmediate)
    expect(warnings).toEqual([])
  })

  test('a call that takes too long is halved like one that throws, each call with a limit of its own', async ({
    lab,
  }) => {
    await createGroup(lab)
    await publish(lab, 8)
    const handle = async (events: readonly Counted[], { signal }: { signal: AbortSignal }) => {
      if (events.some(({ data }) => data.n === 5)) await sleep(60_000, undefined, { signal })
    }
    const counted = batch({ maxSize: 8, handle })
    const consumer = await lab.consumer({ handlerTimeoutMs: 100, retry: { maxDeliveries: 1 }, handlers: { counted } })
    await consumer.reports.until('all are settled', (reports) => reports.settled().length === 8)
    expect(consumer.reports.settled('dead-letter')).toMatchObject([{ eventId: 'e5', result: 'timed-out' }])
    expect(consumer.reports.settled('ack')).toHaveLength(7)
  })

  test('is retried with what failed, and dead-letters it with its history', async ({ lab }) => {
    await createGroup(lab)
    await publish(lab, 10)
    const handle = (events: readonly Counted[], { fail }: { fail: (id: string, error: unknown) => void }) => {
      for (const { id, data } of events) if (data.n < 3) fail(id, new Error('always'))
    }
    const counted = batch({ maxSize: 10, maxWaitMs: 20, handle })
    const consumer = await lab.consumer({ retry: { maxDeliveries: 3, delayMs: () => 10 }, handlers: { counted } })
    await consumer.reports.until('three are dead', (reports) => reports.settled('dead-letter').length === 3)
    await consumer.reports.until('the rest is handled', (reports) => reports.settled('ack').length === 7)
    const letters = await lab.deadLetters()
    expect(letters.map(({ eventId }) => eventId).sort()).toEqual(['e0', 'e1', 'e2'])
    for (const { reason, history } of letters) expect([reason, history.length]).toEqual(['exhausted', 3])
  })

  test('does not see entries that are malformed: these have a result of their own', async ({ lab }) => {
    await createGroup(lab)
    const add = (fields: string[]) => lab.send<string>('XADD', lab.streamName, '*', ...fields)
    await add(foreignEntry({ id: 'good-1' }))
    await add(foreignEntry({ id: 'bad', data: '{"n":"no number"}' }))
    await add(foreignEntry({ id: 'good-2' }))
    const batches: string[][] = []
    const counted = batch({ maxSize: 3, handle: (events) => void batches.push(idsOf(events as Counted[])) })
    const consumer = await lab.consumer({ handlers: { counted } })
    await consumer.reports.until('all are settled', (reports) => reports.settled().length === 3)
    expect(batches).toEqual([['good-1', 'good-2']])
    expect(await lab.deadLetters()).toMatchObject([{ eventId: 'bad', reason: 'malformed' }])
  })

  test('is not called when nothing of its batch is left to handle', async ({ lab }) => {
    await createGroup(lab)
    await lab.send('XADD', lab.streamName, '*', ...foreignEntry({ data: 'no JSON' }))
    let calls = 0
    const handle = () => {
      calls += 1
    }
    const counted = batch({ maxSize: 1, handle })
    const consumer = await lab.consumer({ handlers: { counted } })
    await consumer.reports.until('it is settled', (reports) => reports.settled('dead-letter').length === 1)
    expect(calls).toBe(0)
  })
})

describe('G19: commit in a batch', () => {
  test('writes for all events that have not failed, in one step, more than 7,000 words', async ({ lab }) => {
    const counter = `{${lab.streamName}}:counters`
    await createGroup(lab)
    await publish(lab, 1_000)
    const counted = batch<Counted>({
      maxSize: 1_000,
      maxWaitMs: 60_000,
      async handle(events, { reject, commit }) {
        reject('e7', 'no 7')
        const good = events.filter(({ id }) => id !== 'e7')
        await commit(good.flatMap(({ id }) => [1, 2, 3].map(() => ['HINCRBY', counter, id, 1])))
      },
    })
    const consumer = await lab.consumer({ handlers: { counted }, maxBuffered: 1_000 })
    await consumer.reports.until('all are settled', (reports) => reports.settled().length === 1_000)
    expect(consumer.reports.settled('committed')).toHaveLength(999)
    expect(new Set(await lab.send<string[]>('HVALS', counter))).toEqual(new Set(['3']))
    expect(await lab.send('HLEN', counter)).toBe(999)
    expect((await lab.group()).pending).toBe(0)
  })

  test('writes nothing if a lease is lost: the others are handled again without it', async ({ lab }) => {
    const counter = `{${lab.streamName}}:counters`
    await createGroup(lab)
    const entryIds = await publish(lab, 4)
    const gate = latch()
    const calls: string[][] = []
    const counted = batch<Counted>({
      maxSize: 4,
      async handle(events, { commit }) {
        calls.push(idsOf(events))
        await gate.promise
        await commit(events.map(({ id }) => ['HINCRBY', counter, id, 1]))
      },
    })
    const consumer = await lab.consumer({ handlers: { counted } })
    await lab.until('the batch runs', () => calls.length === 1)
    // Another consumer has got one of them, and still runs it.
    await lab.send('XCLAIM', lab.streamName, GROUP, 'other', 0, entryIds[2] as string)
    gate.resolve()
    await consumer.reports.until('all are settled', (reports) => reports.settled().length === 4)
    expect(calls).toEqual([
      ['e0', 'e1', 'e2', 'e3'],
      ['e0', 'e1', 'e3'],
    ])
    expect(consumer.reports.settled('abandon')).toMatchObject([{ eventId: 'e2', result: 'lease-lost' }])
    expect(consumer.reports.settled('committed')).toHaveLength(3)
    expect(await lab.send('HGETALL', counter)).toEqual(expect.arrayContaining(['e0', '1', 'e1', '1', 'e3', '1']))
    expect(await lab.send('HEXISTS', counter, 'e2')).toBe(0)
    await lab.send('XACK', lab.streamName, GROUP, entryIds[2] as string)
  })

  test('while the group is gone: nothing is handled again before the group is rebuilt', async ({ lab }) => {
    await createGroup(lab)
    await publish(lab, 4)
    const refusals: unknown[] = []
    const counted = batch<Counted>({
      maxSize: 4,
      async handle(_, { commit }) {
        if (refusals.length === 0) await lab.send('XGROUP', 'DESTROY', lab.streamName, GROUP)
        await commit([['INCR', `{${lab.streamName}}:counter`]]).catch((error) => {
          refusals.push(error)
          throw error
        })
      },
    })
    // Without room for more it does not read meanwhile, and so does not rebuild the group.
    const consumer = await lab.consumer({ concurrency: 1, maxBuffered: 0, handlers: { counted } })
    await consumer.reports.until('all are handled', (reports) => reports.settled('committed').length === 4)
    expect(refusals).toHaveLength(1)
    expect(consumer.reports.settled('abandon').map(({ result }) => result)).toEqual(Array(4).fill('lease-lost'))
    expect(await lab.send('GET', `{${lab.streamName}}:counter`)).toBe('1')
  })

  test('dead-letters all of its events when a later command fails, and halves when the first one does', async ({
    lab,
  }) => {
    const text = `{${lab.streamName}}:text`
    await lab.send('SET', text, 'no number')
    await createGroup(lab)
    await publish(lab, 4)
    let calls = 0
    const counted = batch<Counted>({
      maxSize: 4,
      async handle(events, { commit }) {
        calls += 1
        const isLater = events.length === 2
        await commit([...(isLater ? [['INCR', `${text}:counter`]] : []), ['INCR', text]])
      },
    })
    const consumer = await lab.consumer({ handlers: { counted } })
    await consumer.reports.until('all are dead', (reports) => reports.settled('dead-letter').length === 4)
    expect((await lab.deadLetters()).map(({ reason }) => reason)).toEqual(Array(4).fill('commit-failed'))
    expect(calls).toBe(3)
  })
})

describe('G19: what holds for single events holds for those of a batch', () => {
  test('a batch that fails beside its commit is not handled again: the commit decides', async ({ lab }) => {
    await createGroup(lab)
    const calls: string[][] = []
    const [counter, list] = [`{${lab.streamName}}:counter`, `{${lab.streamName}}:list`]
    await lab.send('RPUSH', list, 'no number')
    const counted = batch<Counted>({
      maxSize: 2,
      maxWaitMs: 60_000,
      async handle(events, { commit }) {
        calls.push(idsOf(events))
        const isBroken = events.some(({ data }) => data.n >= 2)
        const commands = isBroken
          ? [
              ['INCR', counter],
              ['INCR', list],
            ]
          : [['INCR', counter]]
        await Promise.all([commit(commands), Promise.reject(new Error('the mail was not sent'))])
      },
    })
    await publish(lab, 4)
    const consumer = await lab.consumer({ handlers: { counted } })
    await consumer.reports.until('all are settled', (reports) => reports.settled().length === 4)
    expect(calls).toEqual([
      ['e0', 'e1'],
      ['e2', 'e3'],
    ])
    expect(consumer.reports.settled('committed')).toHaveLength(2)
    expect(consumer.reports.settled('dead-letter').map(({ result }) => result)).toEqual(Array(2).fill('commit-failed'))
    expect(await lab.send('GET', counter)).toBe('2')
  })

  test('leases are extended while a batch gathers, and while it runs', async ({ lab }) => {
    const leaseMs = 2_000
    const counted = batch({ maxSize: 10, maxWaitMs: 4_000, handle: () => sleep(4_000) })
    const consumer = await lab.consumer({ leaseMs, handlers: { counted } })
    await publish(lab, 3)
    // By hand, because a consumer that has just joined would hold off.
    const claim = () => lab.send<[string, unknown[]]>('XAUTOCLAIM', lab.streamName, GROUP, 'rival', leaseMs, '0')
    const claimed: unknown[] = []
    await lab.until('all are handled', async () => {
      claimed.push(...(await claim())[1])
      return consumer.reports.settled('ack').length === 3
    })
    expect(claimed).toEqual([])
    expect(consumer.reports.of('lease-lost')).toEqual([])
  })

  test('an idempotency record lets a finished event out of the batch, also twice in one batch', async ({ lab }) => {
    await createGroup(lab)
    const add = (id: string) => lab.send<string>('XADD', lab.streamName, '*', ...foreignEntry({ id }))
    for (const id of ['a', 'b', 'a']) await add(id)
    const batches: string[][] = []
    const handle = (events: readonly { id: string }[]) => void batches.push(events.map(({ id }) => id))
    const counted = batch({ maxSize: 3, maxWaitMs: 20, handle })
    const consumer = await lab.consumer({ leaseMs: 500, idempotency: {}, handlers: { counted } })
    await consumer.reports.until('all are handled', (reports) => reports.settled('ack').length === 3)
    expect(batches).toEqual([['a', 'b']])
    expect(consumer.reports.settled('release')).toMatchObject([{ eventId: 'a', result: 'handled-elsewhere' }])
    expect(consumer.reports.settled('ack')[2]).toMatchObject({ result: 'handled-before' })
  })

  test('on drain a running batch finishes, halving and all; one that gathers is released, uncharged', async ({
    lab,
  }) => {
    await createGroup(lab)
    await publish(lab, 6)
    const gate = latch()
    const calls: string[][] = []
    const counted = batch<Counted>({
      maxSize: 4,
      maxWaitMs: 60_000,
      async handle(events) {
        calls.push(idsOf(events))
        await gate.promise
        if (events.some(({ data }) => data.n === 0)) throw new Error('no 0')
      },
    })
    const consumer = await lab.consumer({ handlers: { counted } })
    await lab.until('the batch runs', () => calls.length === 1)
    await lab.until('another gathers', async () => (await lab.group()).pending === 6)
    const stopped = consumer.stop()
    await consumer.reports.until('two are released', (reports) => reports.settled('release').length === 2)
    gate.resolve()
    await stopped
    expect(consumer.reports.settled('release').map(({ outcome }) => outcome)).toEqual(
      Array(2).fill({ type: 'release', delayMs: 0, charged: false }),
    )
    expect(consumer.reports.settled('ack').map(({ eventId }) => eventId)).toEqual(
      expect.arrayContaining(['e1', 'e2', 'e3']),
    )
    expect(consumer.reports.settled('retry')).toMatchObject([{ eventId: 'e0' }])
    expect(calls).toEqual([['e0', 'e1', 'e2', 'e3'], ['e0', 'e1'], ['e0'], ['e1'], ['e2', 'e3']])
    lab.mayLeavePending = true
  })

  test('once the drain has told a batch to stop, it is not halved: it is unfinished', async ({ lab }) => {
    await createGroup(lab)
    await publish(lab, 4)
    let calls = 0
    const counted = batch<Counted>({
      maxSize: 4,
      async handle(_, { signal }) {
        calls += 1
        await sleep(60_000, undefined, { signal })
      },
    })
    const consumer = await lab.consumer({ drainTimeoutMs: 500, handlers: { counted } })
    await lab.until('the batch runs', () => calls === 1)
    await consumer.stop()
    expect(calls).toBe(1)
    expect(consumer.reports.settled('release').map(({ result, outcome }) => [result, outcome])).toEqual(
      Array(4).fill(['unfinished', { type: 'release', delayMs: 0, charged: true }]),
    )
    lab.mayLeavePending = true
  })

  test('what the drain leaves of a batch is charged only if it was handled', async ({ lab }) => {
    const calls: string[][] = []
    const counted = batch<Counted>({
      maxSize: 10,
      maxWaitMs: 3_000,
      async handle(events, { signal }) {
        calls.push(idsOf(events))
        await sleep(60_000, undefined, { signal })
      },
    })
    const consumer = await lab.consumer({ drainTimeoutMs: 500, handlers: { counted } })
    await publish(lab, 6)
    await lab.until('six gather', async () => (await lab.group()).pending === 6)
    // So it is handled in several calls.
    await lab.openControls().limit(2)
    await lab.until('the first call runs', () => calls.length === 1)
    await consumer.stop()
    expect(calls).toEqual([['e0', 'e1']])
    const charged = consumer.reports.settled('release').map(({ eventId, result, outcome }) => {
      return [eventId, result, outcome.type === 'release' && outcome.charged]
    })
    expect(charged.sort()).toEqual([
      ...['e0', 'e1'].map((id) => [id, 'unfinished', true]),
      ...['e2', 'e3', 'e4', 'e5'].map((id) => [id, 'unstarted', false]),
    ])
    lab.mayLeavePending = true
  })

  test('crash suspects run alone, at once, and never in a batch', async ({ lab }) => {
    await createGroup(lab)
    const entryIds = await publish(lab, 3)
    await lab.bringBack(entryIds, { deliveries: 2, idleMs: 100_000 })
    await lab.send('XGROUP', 'SETID', lab.streamName, GROUP, '$')
    const batches: string[][] = []
    const handle = (events: readonly Counted[]) => void batches.push(idsOf(events))
    const counted = batch({ maxSize: 100, maxWaitMs: 60_000, handle })
    const consumer = await lab.consumer({ handlers: { counted } })
    await consumer.reports.until('all are handled', (reports) => reports.settled('ack').length === 3)
    expect(batches.sort()).toEqual([['e0'], ['e1'], ['e2']])
  })

  test('a batch that gathers does not keep a suspect waiting', async ({ lab }) => {
    const batches: string[][] = []
    const handle = (events: readonly Counted[]) => void batches.push(idsOf(events))
    const counted = batch({ maxSize: 100, maxWaitMs: 60_000, handle })
    const consumer = await lab.consumer({ handlers: { counted } })
    const { entryId } = await lab.producer().publish('noted', { text: 'a suspect' })
    await consumer.reports.until('it is handled', (reports) => reports.settled('ack').length === 1)
    await publish(lab, 2)
    await lab.until('two are gathered', async () => (await lab.group()).pending === 2)
    await lab.bringBack([entryId], { deliveries: 2, idleMs: 100_000 })
    await consumer.reports.until('all are handled', (reports) => reports.settled('ack').length === 4)
    expect(batches).toEqual([['e0', 'e1']])
  })

  test('claimed events are handled in full batches, too', async ({ lab }) => {
    await createGroup(lab)
    const entryIds = await publish(lab, 400)
    await lab.bringBack(entryIds, { deliveries: 1, idleMs: 100_000 })
    await lab.send('XGROUP', 'SETID', lab.streamName, GROUP, '$')
    const sizes: number[] = []
    const counted = batch({ maxSize: 100, maxWaitMs: 1_000, handle: (events) => void sizes.push(events.length) })
    const consumer = await lab.consumer({ handlers: { counted } })
    await consumer.reports.until('all are handled', (reports) => reports.settled('ack').length === 400)
    expect(sizes).toEqual([100, 100, 100, 100])
  })

  test('gets events whose type is longer than an id may be', async ({ lab }) => {
    const type = 'x'.repeat(1_000)
    const stream = defineStream(lab.streamName, { [type]: z.object({ n: z.int() }) })
    const sizes: number[] = []
    const stopping = new AbortController()
    const running = createConsumer(stream, {
      ...{ redis: lab.as('consumer'), group: GROUP },
      handlers: {
        [type]: batch({ maxSize: 3, maxWaitMs: 60_000, handle: (events) => void sizes.push(events.length) }),
      },
    }).run({ signal: stopping.signal })
    for (const n of range(3))
      await lab.send('XADD', lab.streamName, '*', ...foreignEntry({ id: `e${n}`, type, data: `{"n":${n}}` }))
    await lab.until('a batch is handled', () => sizes.length > 0)
    expect(sizes).toEqual([3])
    stopping.abort()
    await running
  })
})
