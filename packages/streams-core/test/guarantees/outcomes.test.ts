import { describe, expect } from 'vitest'
import { type Context, type Logger, reject, retryAfter, skip } from '../../src/index.ts'
import { type RunningConsumer, test } from '../support/lab.ts'

/** Result and outcome of each settled delivery, in order. */
const settled = ({ reports }: RunningConsumer) => reports.settled().map(({ result, outcome }) => [result, outcome])

describe('a report says what happened', () => {
  test('skip: acknowledged, with its reason, as an outcome of its own', async ({ lab }) => {
    const consumer = await lab.consumer({ handlers: { counted: () => skip('a test account') } })
    await lab.producer().publish('counted', { n: 1 })
    await consumer.reports.until('the event is settled', (reports) => reports.settled().length === 1)
    expect(settled(consumer)).toEqual([['skipped', { type: 'skip', reason: 'a test account' }]])
    expect(await lab.group()).toMatchObject({ pending: 0, waitingForRetry: 0, lag: 0, deadLetters: 0 })
    // Not delivered again: what is published afterwards is the next delivery.
    await lab.producer().publish('noted', { text: 'next' })
    await consumer.reports.until('both events are settled', (reports) => reports.settled().length === 2)
    expect(settled(consumer)[1]).toEqual(['returned', { type: 'ack' }])
  })

  test('skip after a failure leaves no history behind', async ({ lab }) => {
    const handler = (_: unknown, { attempt }: Context) => {
      if (attempt === 1) throw new Error('not yet')
      skip('too late')
    }
    const consumer = await lab.consumer({ retry: { delayMs: () => 10 }, handlers: { counted: handler } })
    await lab.producer().publish('counted', { n: 1 })
    await consumer.reports.until('the event is skipped', (reports) => reports.settled('skip').length === 1)
    expect(settled(consumer)).toEqual([
      ['threw', { type: 'retry', delayMs: 10, error: 'not yet' }],
      ['skipped', { type: 'skip', reason: 'too late' }],
    ])
    expect(await lab.send('HLEN', `{${lab.streamName}}:group_1:history`)).toBe(0)
  })

  test('reject and retryAfter are results of their own', async ({ lab }) => {
    const handler = (_: unknown, { attempt }: Context) => {
      if (attempt === 1) retryAfter(10, 'busy')
      reject('never')
    }
    const consumer = await lab.consumer({ handlers: { counted: handler } })
    await lab.producer().publish('counted', { n: 1 })
    await consumer.reports.until('the event is dead-lettered', (reports) => reports.settled('dead-letter').length === 1)
    expect(settled(consumer)).toEqual([
      ['retry-after', { type: 'retry', delayMs: 10, error: 'busy' }],
      ['rejected', { type: 'dead-letter', reason: 'rejected', error: 'never' }],
    ])
    const [letter] = await lab.deadLetters()
    expect(letter?.history.map(({ attempt, error }) => [attempt, error])).toEqual([
      [1, 'busy'],
      [2, 'never'],
    ])
  })

  test('skip with an idempotency record: the event counts as handled', async ({ lab }) => {
    const consumer = await lab.consumer({ idempotency: {}, handlers: { counted: () => skip('seen') } })
    await lab.producer({ dedupeMs: 0 }).publish('counted', { n: 1 }, { id: 'same' })
    await consumer.reports.until('the event is settled', (reports) => reports.settled().length === 1)
    await lab.producer({ dedupeMs: 0 }).publish('counted', { n: 1 }, { id: 'same' })
    await consumer.reports.until('both events are settled', (reports) => reports.settled().length === 2)
    expect(settled(consumer)).toEqual([
      ['skipped', { type: 'skip', reason: 'seen' }],
      ['handled-before', { type: 'ack' }],
    ])
  })
})

describe('errors of others are told cut down, and without credentials', () => {
  test('a text of 3 MB, a URL with a password', async ({ lab }) => {
    const lines: string[] = []
    const note = (fields: object, message: string) => void lines.push(JSON.stringify({ ...fields, message }))
    const handlers = {
      counted: () => Promise.reject(new Error('x'.repeat(3_000_000))),
      noted: () => reject('cannot reach postgres://admin:s3cret@db/orders'),
    }
    const logger = { debug: note, info: note, warn: note, error: note }
    const consumer = await lab.consumer({ logger, retry: { maxDeliveries: 1 }, handlers })
    await lab.producer().publish('counted', { n: 1 })
    await lab.producer().publish('noted', { text: 'x' })
    await consumer.reports.until('both are dead', (reports) => reports.settled('dead-letter').length === 2)
    expect(Math.max(...lines.map(({ length }) => length))).toBeLessThan(2_000)
    const told = JSON.stringify([lines, consumer.reports.all, await lab.deadLetters()])
    expect(told).toContain('cannot reach postgres://…@db/orders')
    expect(told).not.toContain('s3cret')
  })
})

describe('an observer decides nothing', () => {
  const fail = () => {
    throw new Error('the observer fails')
  }
  const failLater = async () => fail()
  const loggerOf = (log: () => void): Logger => ({ debug: log, info: log, warn: log, error: log })

  // A rejection that nobody handles would end the process: Vitest reports it as an error.
  test.for([
    ['throw', fail],
    ['reject', failLater],
  ] as const)('a logger and an onReport that %s change nothing', async ([, observer], { lab }) => {
    const observers = { logger: loggerOf(observer), onReport: observer }
    const consumer = await lab.consumer(observers)
    const producer = lab.producer({ logger: loggerOf(observer) })
    await producer.publish('counted', { n: 1 })
    await consumer.reports.until('the event is settled', (reports) => reports.settled().length === 1)
    await consumer.stop()
    expect(settled(consumer)).toEqual([['returned', { type: 'ack' }]])
  })
})
