import { describe, expect } from 'vitest'
import { z } from 'zod'
import { createConsumer, defineStream } from '../../src/index.ts'
import { foreignEntry, range } from '../support/events.ts'
import { test } from '../support/lab.ts'
import { latch } from '../support/latch.ts'

const rubbish = Buffer.from([0xff, 0xfe, 0x00, 0x80, 0x0d, 0x0a, 0xc3, 0x28])

/** Entries as anybody could write them, and what is wrong with them. */
const hostile: [name: string, fields: (string | Buffer)[], reason: string][] = [
  ['one strange field', ['hello', 'world'], 'field "id" is missing'],
  ['no type', foreignEntry().filter((_, i) => i !== 2 && i !== 3), 'field "type" is missing'],
  ['no data', foreignEntry().slice(0, -2), 'field "data" is missing'],
  ['unparsable JSON', foreignEntry({ data: '{"n":' }), 'data is not JSON'],
  ['binary data', [...foreignEntry().slice(0, -1), rubbish], 'data is not JSON'],
  ['binary field names', [rubbish, rubbish], 'field "id" is missing'],
  ['unknown type', foreignEntry({ type: 'never.heard.of' }), 'unknown event type "never.heard.of"'],
  ['refused by its schema', foreignEntry({ data: '{"n":"one"}' }), 'counted: data.n'],
  ['JSON null', foreignEntry({ data: 'null' }), 'counted: data'],
  ['a field named __proto__', [...foreignEntry(), '__proto__', '{"polluted":true}'], '__proto__'],
  ['data with __proto__', foreignEntry({ data: '{"__proto__":{"n":1}}' }), 'counted: data.n'],
  ['a repeated field', [...foreignEntry(), 'id', 'another'], 'field "id" occurs twice'],
  ['5 MB of data', foreignEntry({ data: JSON.stringify({ n: 1, more: 'x'.repeat(5_000_000) }) }), 'maxEventBytes'],
  ['12,000 fields', range(6_000).flatMap((n) => [`field ${n}`, '']), 'field "id" is missing'],
  ['empty names and values', ['', ''], 'field "id" is missing'],
]

describe('G6: malformed entries', () => {
  test('go to the dead letters at once, and disturb nothing else', async ({ lab }) => {
    const handled: number[] = []
    const consumer = await lab.consumer({ handlers: { counted: ({ data }) => void handled.push(data.n) } })
    const producer = lab.producer()
    const expected = new Map<string, string>()
    for (const [i, [, fields, reason]] of hostile.entries()) {
      await producer.publish('counted', { n: i })
      expected.set(await lab.send<string>('XADD', lab.streamName, '*', ...fields), reason)
    }
    await consumer.reports.until(
      'the consumer settles all events',
      (reports) => reports.settled().length === 2 * hostile.length,
    )

    expect(handled.sort((a, b) => a - b)).toEqual(range(hostile.length))
    const letters = await lab.deadLetters()
    expect(letters).toHaveLength(hostile.length)
    for (const { entryId, reason, error, deliveries } of letters) {
      expect({ reason, deliveries }).toEqual({ reason: 'malformed', deliveries: 1 })
      expect(error).toContain(expected.get(entryId))
    }
    expect(consumer.reports.of('trouble')).toEqual([])
    expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false)
  })

  test('are told with their event id, if what they have in its place could be one', async ({ lab }) => {
    const consumer = await lab.consumer()
    const ids = ['readable', '', 'x'.repeat(257), Buffer.from([0xff])]
    for (const id of ids) await lab.send('XADD', lab.streamName, '*', 'id', id)
    await consumer.reports.until(
      'the consumer dead-letters all of them',
      (reports) => reports.settled('dead-letter').length === ids.length,
    )
    const told = consumer.reports.settled('dead-letter').map(({ eventId }) => eventId)
    expect(told.filter((id) => id !== undefined)).toEqual(['readable'])
  })

  test('are kept byte for byte', async ({ lab }) => {
    await lab.send('XADD', lab.streamName, '*', 'raw', rubbish, 'raw', 'again')
    const consumer = await lab.consumer()
    await consumer.reports.until(
      'the consumer dead-letters an event',
      (reports) => reports.settled('dead-letter').length === 1,
    )
    const script = "return redis.call('XRANGE', KEYS[1], '-', '+')[1][2][6] == ARGV[1] and 1 or 0"
    const key = `{${lab.streamName}}:group_1:dead`
    expect(await lab.send('EVAL', script, 1, key, rubbish)).toBe(1)
    expect((await lab.deadLetters())[0]?.fields.filter((_, i) => i % 2 === 0)).toEqual(['raw', 'raw'])
  })

  test('found in what a dead consumer left behind are no different', async ({ lab }) => {
    await lab.send('XGROUP', 'CREATE', lab.streamName, 'group_1', '0', 'MKSTREAM')
    await lab.send('XADD', lab.streamName, '*', 'hello', 'world')
    await lab.producer().publish('counted', { n: 1 })
    await lab.send('XREADGROUP', 'GROUP', 'group_1', 'dead', 'STREAMS', lab.streamName, '>')
    const heir = await lab.consumer({ leaseMs: 500 })
    await heir.reports.until('the heir settles 2 events', (reports) => reports.settled().length === 2)
    expect(heir.reports.settled('dead-letter')).toHaveLength(1)
    expect(heir.reports.settled('ack')).toHaveLength(1)
  })
})

describe('publishing what its schema refuses', () => {
  test('is an error that names the path, and appends nothing', async ({ lab }) => {
    const producer = lab.producer()
    // @ts-expect-error the wrong payload is the point
    const publish = producer.publish('counted', { n: 'one' })
    await expect(publish).rejects.toMatchObject({ code: 'INVALID_EVENT', path: ['n'] })
    const noTime = producer.publish('counted', { n: 1 }, { time: new Date('soon') })
    await expect(noTime).rejects.toMatchObject({ code: 'INVALID_EVENT' })
    expect((await lab.inspect()).length).toBe(0)
  })
})

describe('decoding', () => {
  test('happens once for each delivery, when it has a handler slot: a schema is code of the user’s', async ({
    lab,
  }) => {
    let checks = 0
    const counted = z.object({ n: z.int() }).refine(() => {
      checks += 1
      return true
    })
    const gate = latch()
    const stopping = new AbortController()
    const running = createConsumer(defineStream(lab.streamName, { counted }), {
      ...{ redis: lab.as('consumer'), group: 'group_1', concurrency: 1, maxBuffered: 10 },
      handlers: { counted: () => gate.promise },
    }).run({ signal: stopping.signal })
    for (const _ of range(3)) await lab.send('XADD', lab.streamName, '*', ...foreignEntry())
    await lab.until('all are held', async () => (await lab.group()).pending === 3)
    await lab.until('the first runs', () => checks > 0)
    expect(checks).toBe(1)
    gate.resolve()
    await lab.until('all are handled', async () => (await lab.group()).pending === 0)
    expect(checks).toBe(3)
    stopping.abort()
    await running
  })
})

describe('publishing what the catalog does not know', () => {
  const later = {
    counted: z.object({ n: z.union([z.int(), z.string()]) }),
    'order.placed': z.object({ orderId: z.string() }),
  }

  test('unchecked: every group finds it among its dead letters, and handles it once its catalog fits', async ({
    lab,
  }) => {
    const groups = ['group_1', 'group_2']
    const old = await Promise.all(groups.map((group) => lab.consumer({ group })))
    const producer = lab.producer()
    await producer.publishUnchecked('order.placed', { orderId: 'o1' }, { id: 'unknown-type' })
    await producer.publishUnchecked('counted', { n: 'one' }, { id: 'unfit', subject: 'user_1' })
    await producer.publishUnchecked('counted', { n: 1 }, { id: 'fit' })
    for (const { reports, stop } of old) {
      await reports.until('the consumer settles 3 events', () => reports.settled().length === 3)
      expect(reports.settled('ack').map(({ eventId }) => eventId)).toEqual(['fit'])
      expect(reports.settled('dead-letter').map(({ eventId }) => eventId)).toEqual(['unknown-type', 'unfit'])
      await stop()
    }
    for (const group of groups) {
      expect(await lab.deadLetters(group)).toMatchObject([
        { eventId: 'unknown-type', reason: 'malformed', error: 'unknown event type "order.placed"' },
        { eventId: 'unfit', reason: 'malformed', error: expect.stringContaining('counted: data.n') },
      ])
    }

    for (const group of groups) {
      const handled: unknown[] = []
      const stopping = new AbortController()
      const running = createConsumer(defineStream(lab.streamName, later), {
        ...{ redis: lab.url, group },
        handlers: {
          counted: ({ id, data }) => void handled.push([id, data]),
          'order.placed': ({ id, data }) => void handled.push([id, data]),
        },
      }).run({ signal: stopping.signal })
      expect(await lab.openDeadLetters(group).redrive()).toMatchObject({ redriven: 2, skipped: 0 })
      await lab.until('both are handled', () => handled.length === 2)
      expect(handled).toEqual(
        expect.arrayContaining([
          ['unknown-type', { orderId: 'o1' }],
          ['unfit', { n: 'one' }],
        ]),
      )
      stopping.abort()
      await running
      expect(await lab.deadLetters(group)).toEqual([])
    }
  })

  test('unchecked: an id that was published before, in either way, appends nothing', async ({ lab }) => {
    const producer = lab.producer()
    const first = await producer.publish('counted', { n: 1 }, { id: 'same' })
    const second = await producer.publishUnchecked('whatever', null, { id: 'same' })
    expect(second).toEqual({
      ...first,
      duplicate: true,
      misfit: expect.stringContaining('unknown event type "whatever"'),
    })
    expect((await lab.inspect()).length).toBe(1)
  })

  test('unchecked: what cannot be stored as it is given is refused', async ({ lab }) => {
    const producer = lab.producer({ maxEventBytes: 1_024 })
    const deep = JSON.parse(`${'['.repeat(100_000)}${']'.repeat(100_000)}`)
    for (const publish of [
      () => producer.publishUnchecked('any', undefined),
      () => producer.publishUnchecked('any', deep),
      () => producer.publishUnchecked('any', 'x'.repeat(2_000)),
      () => producer.publishUnchecked('half a pair \ud800', {}),
      () => producer.publishUnchecked('', {}),
      () => producer.publishUnchecked('any', {}, { id: '' }),
    ])
      await expect(publish()).rejects.toMatchObject({ code: 'INVALID_EVENT' })
    expect((await lab.inspect()).length).toBe(0)
  })
})
