import { describe, expect, test } from 'vitest'
import { parseConsumerSettings } from '../../src/define/consumer-settings.ts'
import {
  batchLimits,
  consumerLimits,
  idempotencyLimits,
  producerLimits,
  retentionLimits,
  retryLimits,
} from '../../src/define/limits.ts'
import { parseProducerSettings } from '../../src/define/producer-settings.ts'
import { batch, createConsumer, createProducer, defineStream, InvalidOptionError } from '../../src/index.ts'
import { catalog } from '../support/events.ts'

const stream = defineStream('s', catalog)
const redis = 'redis://127.0.0.1:1'
const handlers = { counted() {}, noted() {} }
const batchOf = (options: object) => () => batch({ handle() {}, ...options })
const consumer = (options: object) => () => createConsumer(stream, { redis, group: 'g', handlers, ...options })

describe('a wrong option names itself, the range and what was given', () => {
  test.each<[object, string]>([
    [{ leaseMs: 10 }, 'createConsumer: leaseMs: Too small: expected number to be >=500 (got 10)'],
    [{ concurrency: 0 }, 'concurrency: Too small: expected number to be >=1 (got 0)'],
    [{ concurrency: 1.5 }, 'concurrency: Invalid input: expected int, received number (got 1.5)'],
    [{ blockMs: '2s' }, 'blockMs: Invalid input: expected number, received string (got "2s")'],
    [{ group: 'a b' }, 'group: 1 to 128 letters, digits, "_", "-" or "." (got "a b")'],
    [{ group: 'dedupe' }, 'group: not one of dedupe, marks, dropped, lock (got "dedupe")'],
    [{ consumer: '~retry' }, 'consumer: 1 to 200 characters, neither "~" nor white space (got "~retry")'],
    [{ retry: { maxDeliveries: 0 } }, 'retry.maxDeliveries: Too small: expected number to be >=1 (got 0)'],
    [{ retry: { delayMs: 5 } }, 'retry.delayMs: a function (got 5)'],
    [{ idempotency: { ttlMs: 1 } }, 'idempotency.ttlMs: Too small: expected number to be >=1000 (got 1)'],
    [{ leaseMS: 5_000 }, 'Unrecognized key: "leaseMS"'],
  ])('%o', (options, message) => {
    expect(consumer(options)).toThrow(InvalidOptionError)
    expect(consumer(options)).toThrow(message)
  })

  test('of the producer', () => {
    const producer = () => createProducer(stream, { redis, publishTimeoutMs: 1 })
    expect(producer).toThrow('createProducer: publishTimeoutMs: Too small: expected number to be >=10 (got 1)')
  })

  test('dedupeMs must be 0, or not shorter than publishTimeoutMs', () => {
    const producer = () => createProducer(stream, { redis, publishTimeoutMs: 5_000, dedupeMs: 4_999 })
    expect(producer).toThrow('dedupeMs: must be 0 or at least publishTimeoutMs (got 4999)')
  })

  test('of the stream', () => {
    expect(() => defineStream('', catalog)).toThrow('expected name to be a non-empty string, got ""')
    expect(() => defineStream('s', {})).toThrow('expected the catalog of s to have at least one event type')
    const retention = { maxLength: 100, keepAtLeast: 100 }
    expect(() => defineStream('s', catalog, { retention })).toThrow('keepAtLeast must be below maxLength')
    expect(() => defineStream('s', catalog, { retention: { maxLength: -1 } })).toThrow('maxLength')
  })

  test('of a batch handler', () => {
    expect(batchOf({ maxSize: 0 })).toThrow(InvalidOptionError)
    expect(batchOf({ maxSize: 0 })).toThrow('batch: maxSize: Too small: expected number to be >=1 (got 0)')
    expect(batchOf({ maxWaitMs: 0.5 })).toThrow('maxWaitMs: Invalid input: expected int, received number (got 0.5)')
    expect(batchOf({ handle: 'insert' })).toThrow('batch: handle: expected a function (got "insert")')
    expect(batchOf({ size: 10 })).toThrow('Unrecognized key: "size"')
    expect(batch({ handle() {} })).toMatchObject({ maxSize: 100, maxWaitMs: 100 })
  })

  test('a missing handler', () => {
    expect(consumer({ handlers: { counted() {} } })).toThrow('createConsumer: no handler for noted')
    const noBatch = { maxSize: 1, maxWaitMs: 1, handle() {} }
    expect(consumer({ handlers: { counted() {}, noted: noBatch } })).toThrow('createConsumer: no handler for noted')
  })
})

const { maxDeliveries } = retryLimits
const { maxLength, keepAtLeast, keepForMs, warnAfterMs, lossyMaxLength } = retentionLimits
const retain = (retention: object) => defineStream('s', catalog, { retention })

describe('each number option has the range that limits.ts gives it', () => {
  test.each<[string, Record<string, { min: number; max: number }>, (options: object) => unknown]>([
    ['consumer', consumerLimits, (options) => parseConsumerSettings({ group: 'g', ...options })],
    ['retry', { maxDeliveries }, (retry) => parseConsumerSettings({ group: 'g', retry })],
    ['idempotency', idempotencyLimits, (idempotency) => parseConsumerSettings({ group: 'g', idempotency })],
    ['batch', batchLimits, (options) => batchOf(options)()],
    ['producer', producerLimits, (options) => parseProducerSettings({ dedupeMs: 0, ...options })],
    ['retention', { maxLength, keepAtLeast, keepForMs, warnAfterMs }, retain],
    ['lossy retention', { maxLength: lossyMaxLength, warnAfterMs }, (o) => retain({ policy: 'maxlen', ...o })],
  ])('%s', (_, limits, parse) => {
    for (const [option, { min, max }] of Object.entries(limits)) {
      expect(() => [parse({ [option]: min }), parse({ [option]: max })]).not.toThrow()
      expect(() => parse({ [option]: min - 1 })).toThrow(option)
      expect(() => parse({ [option]: max + 1 })).toThrow(option)
    }
  })
})

test('the documented defaults', () => {
  expect(parseConsumerSettings({ group: 'g' })).toMatchObject({
    concurrency: 16,
    leaseMs: 10_000,
    blockMs: 2_000,
    drainTimeoutMs: 30_000,
    retry: { maxDeliveries: 5 },
  })
  expect(parseConsumerSettings({ group: 'g' }).consumer).toMatch(/^.+-[0-9a-f]{8}$/)
  expect(parseConsumerSettings({ group: 'g' }).idempotency).toBeUndefined()
  expect(parseConsumerSettings({ group: 'g' }).maxBuffered).toBeUndefined()
  expect(parseProducerSettings({})).toMatchObject({
    publishTimeoutMs: 5_000,
    dedupeMs: 120_000,
    maxBuffered: 10_000,
    durability: 'memory',
  })
  expect(stream.retention).toMatchObject({ policy: 'acknowledged', maxLength: 0, keepAtLeast: 0, keepForMs: 0 })
  expect(defineStream('s', catalog, { retention: { policy: 'maxlen' } }).retention).toMatchObject({ maxLength: 10_000 })
})

test('parsed options are frozen', () => {
  expect(Object.isFrozen(parseConsumerSettings({ group: 'g' }))).toBe(true)
})
