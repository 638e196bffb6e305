import { describe, expect } from 'vitest'
import { reject, retryAfter } from '../../src/index.ts'
import { range } from '../support/events.ts'
import { GROUP, test } from '../support/lab.ts'
import { latch } from '../support/latch.ts'

const quick = { retry: { maxDeliveries: 5, delayMs: () => 50 } }

describe('G5: retries', () => {
  test('a failing event is delivered maxDeliveries times, then dead-lettered with reason and history', async ({
    lab,
  }) => {
    const attempts: number[] = []
    const consumer = await lab.consumer({
      ...quick,
      handlers: {
        counted: (_, { attempt }) => {
          attempts.push(attempt)
          throw new Error(`failure ${attempt}`)
        },
      },
    })
    const { entryId } = await lab.producer().publish('counted', { n: 1 }, { id: 'doomed' })
    await consumer.reports.until(
      'the consumer dead-letters an event',
      (reports) => reports.settled('dead-letter').length === 1,
    )

    expect(attempts).toEqual([1, 2, 3, 4, 5])
    const [letter, ...others] = await lab.deadLetters()
    expect(others).toEqual([])
    expect(letter).toMatchObject({
      entryId,
      eventId: 'doomed',
      eventType: 'counted',
      group: GROUP,
      reason: 'exhausted',
      error: 'failure 5',
      deliveries: 5,
      redrives: 0,
    })
    expect(letter?.history.map(({ attempt, error }) => [attempt, error])).toEqual(
      [1, 2, 3, 4, 5].map((n) => [n, `failure ${n}`]),
    )
    expect(letter?.history.every(({ consumer: name }) => name === consumer.name)).toBe(true)
    expect(await lab.send('HLEN', `{${lab.streamName}}:${GROUP}:history`)).toBe(0)
  })

  test('an event that waits for its retry holds up nothing behind it', async ({ lab }) => {
    const consumer = await lab.consumer({
      concurrency: 1,
      maxBuffered: 0,
      retry: { delayMs: () => 3_600_000 },
      handlers: {
        counted: ({ data }) => {
          if (data.n === 0) throw new Error('not now')
        },
      },
    })
    const producer = lab.producer()
    for (const n of range(20)) await producer.publish('counted', { n })
    await consumer.reports.until(
      'the consumer acknowledges 19 events',
      (reports) => reports.settled('ack').length === 19,
    )
    expect(await lab.group()).toMatchObject({ waitingForRetry: 1, pending: 0, lag: 0 })
    lab.mayLeavePending = true
  })

  test('the delay is waited for', async ({ lab }) => {
    const times: number[] = []
    const consumer = await lab.consumer({
      retry: { delayMs: () => 600 },
      handlers: {
        counted: (_, { attempt }) => {
          times.push(Date.now())
          if (attempt === 1) throw new Error('once')
        },
      },
    })
    await lab.producer().publish('counted', { n: 1 })
    await consumer.reports.until('the consumer acknowledges an event', (reports) => reports.settled('ack').length === 1)
    // A lower bound is no measure of speed.
    expect((times[1] as number) - (times[0] as number)).toBeGreaterThanOrEqual(590)
    expect(await lab.send('HLEN', `{${lab.streamName}}:${GROUP}:history`)).toBe(0)
  })

  test('retryAfter: the handler chooses; reject: dead letter at once', async ({ lab }) => {
    const consumer = await lab.consumer({
      retry: { delayMs: () => 3_600_000 },
      handlers: {
        counted: (_, { attempt }) => {
          if (attempt === 1) retryAfter(20, 'busy')
        },
        noted: () => reject('unknown order'),
      },
    })
    const producer = lab.producer()
    await producer.publish('counted', { n: 1 })
    await producer.publish('noted', { text: 'x' })
    await consumer.reports.until(
      'both events are settled',
      (reports) => reports.settled('ack').length + reports.settled('dead-letter').length === 2,
    )
    expect(consumer.reports.settled('retry')[0]?.outcome).toMatchObject({ delayMs: 20, error: 'busy' })
    expect(await lab.deadLetters()).toMatchObject([{ reason: 'rejected', error: 'unknown order', deliveries: 1 }])
  })

  test('retries are shared: another consumer may take the next delivery, also after the first has gone', async ({
    lab,
  }) => {
    const fails = () => {
      throw new Error('not here')
    }
    const first = await lab.consumer({ retry: { delayMs: () => 100 }, handlers: { counted: fails } })
    await lab.producer().publish('counted', { n: 1 })
    await first.reports.until('the first consumer parks an event', (reports) => reports.settled('retry').length === 1)
    await first.stop()
    const second = await lab.consumer()
    await second.reports.until(
      'the second consumer acknowledges an event',
      (reports) => reports.settled('ack').length === 1,
    )
    expect(second.reports.settled('ack')[0]?.attempt).toBeGreaterThan(1)
  })

  test.each<[string, () => number]>([
    ['a fraction', () => 10.5],
    ['nothing', () => Number.NaN],
    ['less than nothing', () => -5],
    [
      'an error',
      () => {
        throw new Error('in delayMs')
      },
    ],
  ])('a delay that is %s still counts the delivery', async (_, delayMs) => {
    const { decide } = await import('../../src/consume/pipeline/decide.ts')
    const outcome = decide({ result: 'threw', error: new Error('x') }, 1, { maxDeliveries: 5, delayMs, leaseMs: 1 })
    expect(outcome).toMatchObject({ type: 'retry', delayMs: expect.toSatisfy((ms) => Number.isInteger(ms) && ms >= 0) })
  })

  test('a retry with a fractional delay is parked like any other', async ({ lab }) => {
    const consumer = await lab.consumer({
      leaseMs: 500,
      retry: { maxDeliveries: 3, delayMs: () => 10.5 },
      handlers: { counted: () => Promise.reject(new Error('no')) },
    })
    await lab.producer().publish('counted', { n: 1 })
    await consumer.reports.until(
      'the consumer dead-letters an event',
      (reports) => reports.settled('dead-letter').length === 1,
    )
    expect(consumer.reports.settled().map(({ attempt }) => attempt)).toEqual([1, 2, 3])
  })

  test('with maxDeliveries 1 there is no second delivery', async ({ lab }) => {
    const consumer = await lab.consumer({
      retry: { maxDeliveries: 1 },
      handlers: {
        counted: () => {
          throw new Error('once is enough')
        },
      },
    })
    await lab.producer().publish('counted', { n: 1 })
    await consumer.reports.until(
      'the consumer dead-letters an event',
      (reports) => reports.settled('dead-letter').length === 1,
    )
    expect(consumer.reports.settled()).toHaveLength(1)
  })

  test('a synchronous throw, a rejection and a throw of no Error all count as failures', async ({ lab }) => {
    const throwers = [
      () => {
        throw new Error('sync')
      },
      () => Promise.reject(new Error('async')),
      () => {
        throw 'a string'
      },
      () => Promise.reject(undefined),
      () => Promise.reject(Object.create(null)),
    ]
    const consumer = await lab.consumer({
      retry: { maxDeliveries: 1 },
      handlers: { counted: ({ data }) => throwers[data.n]?.() },
    })
    const producer = lab.producer()
    for (const n of range(5)) await producer.publish('counted', { n })
    await consumer.reports.until(
      'the consumer dead-letters 5 events',
      (reports) => reports.settled('dead-letter').length === 5,
    )
    const errors = (await lab.deadLetters()).map(({ error }) => error)
    expect(errors.sort()).toEqual(['a string', 'an error without a text', 'async', 'sync', 'undefined'])
  })

  test('what was deleted while it waited for its retry leaves no history behind', async ({ lab }) => {
    const consumer = await lab.consumer({
      retry: { delayMs: () => 3_000 },
      handlers: {
        counted: () => {
          throw new Error('broken')
        },
      },
    })
    const { entryId } = await lab.producer().publish('counted', { n: 1 })
    await consumer.reports.until('the consumer parks an event', (reports) => reports.settled('retry').length === 1)
    const failures = () => lab.send<number>('HLEN', `{${lab.streamName}}:${GROUP}:history`)
    expect(await failures()).toBe(1)
    await lab.send('XDEL', lab.streamName, entryId)
    await consumer.reports.until('the consumer finds that the entry was deleted', (reports) =>
      reports.settled().some(({ result }) => result === 'deleted'),
    )
    expect(await failures()).toBe(0)
  })

  test('what was deleted while it failed leaves no history behind', async ({ lab }) => {
    const consumer = await lab.consumer({
      handlers: {
        counted: async (_, { entryId }) => {
          await lab.send('XDEL', lab.streamName, entryId)
          throw new Error('broken')
        },
      },
    })
    await lab.producer().publish('counted', { n: 1 })
    await consumer.reports.until('the consumer settles an event', (reports) => reports.settled().length === 1)
    expect(await lab.send('HLEN', `{${lab.streamName}}:${GROUP}:history`)).toBe(0)
  })

  test('retries that are due are worked off one after the other, without a rest between', async ({ lab }) => {
    const handled = new Set<number>()
    // With one rest for each handler slot that becomes free, this takes more than a minute.
    const consumer = await lab.consumer({
      leaseMs: 40_000,
      concurrency: 1,
      maxBuffered: 0,
      retry: { delayMs: () => 1 },
      handlers: {
        counted: ({ data }, { attempt }) => {
          if (attempt === 1) throw new Error('once')
          handled.add(data.n)
        },
      },
    })
    const producer = lab.producer()
    await Promise.all(range(2_500).map((n) => producer.publish('counted', { n })))
    await consumer.reports.until('all retries are acknowledged', (reports) => reports.settled('ack').length === 2_500)
    expect(handled.size).toBe(2_500)
  })

  test('retries that are due at once are not taken for lost leases', async ({ lab }) => {
    const consumer = await lab.consumer({
      handlers: {
        counted: (_, { attempt }) => {
          if (attempt < 4) retryAfter(0, 'not yet')
        },
      },
    })
    const producer = lab.producer()
    await Promise.all(range(500).map((n) => producer.publish('counted', { n })))
    await consumer.reports.until('all are acknowledged', (reports) => reports.settled('ack').length === 500)
    expect(consumer.reports.settled('retry')).toHaveLength(1_500)
    expect(consumer.reports.of('lease-lost')).toEqual([])
    expect(consumer.reports.of('retaken')).toEqual([])
  })

  test('an entry that comes back with a later attempt is run, although the consumer still holds the earlier one', async ({
    lab,
  }) => {
    const gate = latch()
    const attempts: number[] = []
    // Long enough that neither an extension nor a look for lost replies finds it out first.
    const consumer = await lab.consumer({
      leaseMs: 60_000,
      handlers: {
        counted: (_, { attempt }) => {
          attempts.push(attempt)
          return attempt === 1 ? gate.promise : undefined
        },
      },
    })
    const { entryId } = await lab.producer().publish('counted', { n: 1 })
    await lab.until('it runs', () => attempts.length === 1)
    // As after a retry that was written, and whose reply was lost.
    await lab.send('XCLAIM', lab.streamName, GROUP, '~retry', 0, entryId, 'JUSTID')
    await consumer.reports.until('it is acknowledged', (reports) => reports.settled('ack').length === 1)
    expect(consumer.reports.settled('ack')).toMatchObject([{ attempt: 2 }])
    expect(consumer.reports.of('lease-lost')).toMatchObject([{ entryIds: [entryId] }])
    expect(consumer.reports.of('retaken')).toEqual([])
    gate.resolve()
    await consumer.reports.until('the earlier one ends', (reports) => reports.settled().length === 2)
    expect(consumer.reports.settled('abandon')).toMatchObject([{ attempt: 1, result: 'lease-lost' }])
    expect(attempts).toEqual([1, 2])
  })

  test('while new events keep coming, retries that are due have their turns, however large the buffer', async ({
    lab,
  }) => {
    await lab.send('XGROUP', 'CREATE', lab.streamName, GROUP, '0', 'MKSTREAM')
    const producer = lab.producer()
    await Promise.all(range(300).map((n) => producer.publish('noted', { text: `${n}` })))
    await lab.send('XREADGROUP', 'GROUP', GROUP, '~retry', 'COUNT', 300, 'STREAMS', lab.streamName, '>')
    await Promise.all(range(3_000).map((n) => producer.publish('counted', { n })))
    const done = { counted: 0, noted: 0 }
    const work = (type: keyof typeof done) => async () => {
      await new Promise((resolve) => setTimeout(resolve, 1))
      done[type] += 1
    }
    const handlers = { counted: work('counted'), noted: work('noted') }
    const consumer = await lab.consumer({ concurrency: 4, maxBuffered: 100, handlers })
    await lab.until('all retries are handled', () => done.noted === 300)
    expect(done.counted).toBeLessThan(2_000)
    expect(done.counted).toBeGreaterThan(50)
    await consumer.reports.until('all is acknowledged', (reports) => reports.settled('ack').length === 3_300)
  })
})
