import { RedisServer, TcpProxy } from '@redis-streams-processor/testbed'
import { describe, expect } from 'vitest'
import { range } from '../support/events.ts'
import { Lab, test } from '../support/lab.ts'

describe('G10: publishing the same event id twice appends once', () => {
  test('one after the other, at the same time, and from two producers', async ({ lab }) => {
    const [one, other] = [lab.producer(), lab.producer()]
    const first = await one.publish('counted', { n: 1 }, { id: 'once' })
    const copies = await Promise.all(
      range(50).map((n) => (n % 2 ? one : other).publish('counted', { n: 1 }, { id: 'once' })),
    )
    expect(first.duplicate).toBe(false)
    for (const copy of copies) expect(copy).toEqual({ id: 'once', entryId: first.entryId, duplicate: true })
    expect((await lab.inspect()).length).toBe(1)
  })

  test('within one batch', async ({ lab }) => {
    const producer = lab.producer()
    const published = await Promise.all(range(10).map(() => producer.publish('counted', { n: 1 }, { id: 'once' })))
    expect(published.filter(({ duplicate }) => !duplicate)).toHaveLength(1)
    expect(new Set(published.map(({ entryId }) => entryId)).size).toBe(1)
    expect((await lab.inspect()).length).toBe(1)
  })

  test('beyond the window it is a new event', async ({ lab }) => {
    const producer = lab.producer({ dedupeMs: 100, publishTimeoutMs: 100 })
    const first = await producer.publish('counted', { n: 1 }, { id: 'again' })
    await lab.until(
      'the event id is forgotten',
      async () => (await lab.send('EXISTS', `{${lab.streamName}}:dedupe:again`)) === 0,
    )
    const second = await producer.publish('counted', { n: 1 }, { id: 'again' })
    expect(second.duplicate).toBe(false)
    expect(second.entryId).not.toBe(first.entryId)
  })

  test('when the answers got lost on the way, nothing is appended twice and every publish resolves', async ({
    lab: shared,
  }) => {
    const redis = await RedisServer.start()
    shared.onClose(() => redis.stop())
    const proxy = await TcpProxy.start(redis.port)
    shared.onClose(() => proxy.stop())
    const lab = new Lab(redis.url)
    const producer = lab.producer({ redis: proxy.url, publishTimeoutMs: 30_000 })
    await producer.publish('counted', { n: -1 })

    proxy.dropReplies(true)
    const publishing = Promise.all(range(100).map((n) => producer.publish('counted', { n })))
    await lab.until('the requests reach Redis', async () => (await lab.inspect()).length === 101)
    proxy.dropReplies(false)
    proxy.cut()
    const published = await publishing
    expect(published.every(({ duplicate }) => duplicate)).toBe(true)
    expect((await lab.inspect()).length).toBe(101)
    await lab.close()
  })

  test('deduplication switched off appends every time', async ({ lab }) => {
    const producer = lab.producer({ dedupeMs: 0 })
    await producer.publish('counted', { n: 1 }, { id: 'same' })
    await producer.publish('counted', { n: 1 }, { id: 'same' })
    expect((await lab.inspect()).length).toBe(2)
  })
})
