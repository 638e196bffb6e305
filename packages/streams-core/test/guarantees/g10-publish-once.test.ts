import { TcpProxy } from '@redis-streams-processor/testbed'
import { describe, expect } from 'vitest'
import { StreamFullError } from '../../src/index.ts'
import { range } from '../support/events.ts'
import { Lab, startServer, test } from '../support/lab.ts'

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

  test('within one batch that is larger than one command of Redis may be', async ({ lab }) => {
    const producer = lab.producer({ maxBatch: 5_000 })
    const publish = () => Promise.all(range(5_000).map((n) => producer.publish('counted', { n }, { id: `id_${n}` })))
    const first = await publish()
    const second = await publish()
    expect(first.some(({ duplicate }) => duplicate)).toBe(false)
    expect(second).toEqual(first.map((published) => ({ ...published, duplicate: true })))
    expect((await lab.inspect()).length).toBe(5_000)
  })

  test('when the answers got lost on the way, nothing is appended twice and every publish resolves', async ({
    lab: shared,
  }) => {
    const redis = await startServer()
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

  test('whatever gets lost on the way, entries are in the order in which their publish was called', async ({ lab }) => {
    const proxy = await lab.proxy()
    const producer = lab.producer({ redis: proxy.url, publishTimeoutMs: 30_000, maxBatch: 20 })
    await producer.ready()
    const answered: number[] = []
    const publishing = range(2_000).map(async (n) => {
      await producer.publish('counted', { n })
      answered.push(n)
      if (n % 500 === 250) proxy.cut()
    })
    await Promise.all(publishing)
    const entries = await lab.send<[string, string[]][]>('XRANGE', lab.streamName, '-', '+')
    expect(entries.map(([, fields]) => JSON.parse(fields.at(-1) ?? '').n)).toEqual(range(2_000))
    expect(answered).toEqual(range(2_000))
  })

  test('a publish that Redis does not answer in time names no trouble that is over', async ({ lab: shared }) => {
    const { redis, lab } = await shared.ownRedis()
    // Less than the half second after which a connection without a reply is given up: that would be named.
    const producer = lab.producer({ publishTimeoutMs: 400 })
    await producer.publish('counted', { n: 0 })
    await lab.send('CONFIG', 'SET', 'maxmemory', 1)
    await expect(producer.publish('counted', { n: 1 })).rejects.toThrow('OOM')
    await lab.send('CONFIG', 'SET', 'maxmemory', 0)
    // The batch before is tried again at longer and longer intervals.
    const publish = () => producer.publish('counted', { n: 2 }, { id: 'e2' })
    await lab.until('an event is published', () =>
      publish().then(
        () => true,
        () => false,
      ),
    )
    await redis.freeze()
    const error = await producer.publish('counted', { n: 3 }).catch((caught) => caught)
    await redis.thaw()
    expect(error).toMatchObject({ code: 'PUBLISH_TIMEOUT' })
    expect(error.message).not.toContain('OOM')
  })

  test('deduplication switched off appends every time', async ({ lab }) => {
    const producer = lab.producer({ dedupeMs: 0 })
    await producer.publish('counted', { n: 1 }, { id: 'same' })
    await producer.publish('counted', { n: 1 }, { id: 'same' })
    expect((await lab.inspect()).length).toBe(2)
    expect(await remembering(lab)).toEqual([])
  })

  test('an event id whose publish was refused is not remembered', async ({ lab }) => {
    const refusing = lab.producer({}, { maxLength: 1 })
    await refusing.publish('counted', { n: 1 })
    await expect(refusing.publish('counted', { n: 2 }, { id: 'refused' })).rejects.toThrow(StreamFullError)
    const producer = lab.producer()
    expect(await producer.publish('counted', { n: 2 }, { id: 'refused' })).toMatchObject({ duplicate: false })
  })
})

describe('G10: for how long an event id is remembered', () => {
  const WINDOW = { dedupeMs: 1_000, publishTimeoutMs: 1_000 }

  test('for the window at least, for little more than twice as long, and in three keys however many there are', async ({
    lab,
  }) => {
    const producer = lab.producer(WINDOW)
    const begin = await redisMs(lab)
    const born: { id: string; afterMs: number; beforeMs: number }[] = []
    const livesMs: number[] = []
    // Each round publishes one new event id, and all the earlier ones again, to see which of them are forgotten.
    await lab.until('the buckets have changed their parts several times', async () => {
      const sentMs = await redisMs(lab)
      const again = await Promise.all(born.map(({ id }) => producer.publish('counted', { n: 0 }, { id })))
      const id = `id_${sentMs}`
      await producer.publish('counted', { n: 0 }, { id })
      const answeredMs = await redisMs(lab)
      for (const [i, { afterMs, beforeMs }] of born.entries()) {
        if (again[i]?.duplicate) expect(sentMs - beforeMs).toBeLessThan(2.2 * WINDOW.dedupeMs)
        else livesMs.push(answeredMs - afterMs)
      }
      const kept = born.filter((_, i) => again[i]?.duplicate)
      born.splice(0, born.length, ...kept, { id, afterMs: sentMs, beforeMs: answeredMs })
      return answeredMs - begin > 4 * WINDOW.dedupeMs
    })
    expect(livesMs.length).toBeGreaterThan(10)
    expect(Math.min(...livesMs)).toBeGreaterThanOrEqual(WINDOW.dedupeMs)
    expect(await remembering(lab)).toHaveLength(3)
  })

  test('after a pause that is longer than the window it is forgotten', async ({ lab }) => {
    const producer = lab.producer({ dedupeMs: 100, publishTimeoutMs: 100 })
    await producer.publish('counted', { n: 1 }, { id: 'again' })
    const since = await redisMs(lab)
    await lab.until('the window is over', async () => (await redisMs(lab)) - since > 2.2 * 100)
    expect(await producer.publish('counted', { n: 1 }, { id: 'again' })).toMatchObject({ duplicate: false })
  })

  test('for the window of the producer that published it, although another one has a shorter window', async ({
    lab,
  }) => {
    const [long, short] = [lab.producer({ dedupeMs: 60_000 }), lab.producer({ dedupeMs: 100, publishTimeoutMs: 100 })]
    await short.publish('counted', { n: 0 })
    const first = await long.publish('counted', { n: 1 }, { id: 'long' })
    const since = await redisMs(lab)
    await lab.until('many short windows are over', async () => {
      await short.publish('counted', { n: 0 })
      return (await redisMs(lab)) - since > 1_000
    })
    const again = await short.publish('counted', { n: 1 }, { id: 'long' })
    expect(again).toEqual({ ...first, duplicate: true })
  })

  test('for the window, when somebody deletes what says how old the ids are', async ({ lab }) => {
    const producer = lab.producer()
    await producer.publish('counted', { n: 1 }, { id: 'again' })
    for (const _ of range(3)) {
      await lab.send('DEL', `{${lab.streamName}}:dedupe`)
      expect(await producer.publish('counted', { n: 1 }, { id: 'again' })).toMatchObject({ duplicate: true })
    }
  })

  test('and when nobody publishes any more, Redis deletes all of it', async ({ lab }) => {
    const producer = lab.producer(WINDOW)
    await producer.publish('counted', { n: 1 })
    await lab.until('the buckets have changed their parts', async () => {
      await producer.publish('counted', { n: 2 })
      return (await remembering(lab)).length === 3
    })
    for (const key of await remembering(lab)) {
      const leftMs = await lab.send<number>('PTTL', key)
      expect(leftMs).toBeGreaterThan(DAY_MS - 1_000)
      expect(leftMs).toBeLessThanOrEqual(DAY_MS + 3 * WINDOW.dedupeMs)
    }
  })
})

describe('G10: Redis is over `maxmemory`', () => {
  const WINDOW = { dedupeMs: 1_000, publishTimeoutMs: 1_000 }

  test('nothing is appended, though event ids are to be deleted', async ({ lab: shared }) => {
    const { lab } = await shared.ownRedis()
    const producer = lab.producer(WINDOW)
    await producer.publish('counted', { n: 1 }, { id: 'first' })
    const since = await redisMs(lab)
    await lab.send('CONFIG', 'SET', 'maxmemory', '1')
    await lab.until('no event id is needed', async () => (await redisMs(lab)) - since > 2 * WINDOW.dedupeMs)
    const refused = Promise.all(range(3).map((n) => producer.publish('counted', { n }, { id: `refused ${n}` })))
    await expect(refused).rejects.toMatchObject({ code: 'PUBLISH_TIMEOUT' })
    expect(await lab.send('XLEN', lab.streamName)).toBe(1)
    await lab.send('CONFIG', 'SET', 'maxmemory', '0')
    const patient = lab.producer()
    expect(await patient.publish('counted', { n: 1 }, { id: 'first' })).toMatchObject({ duplicate: false })
  })

  test('a duplicate is answered, even when somebody has deleted how old the ids are', async ({ lab: shared }) => {
    const { lab } = await shared.ownRedis()
    const producer = lab.producer()
    const first = await producer.publish('counted', { n: 1 }, { id: 'once' })
    await lab.send('CONFIG', 'SET', 'maxmemory', '1')
    const again = () => producer.publish('counted', { n: 1 }, { id: 'once' })
    expect(await again()).toEqual({ ...first, duplicate: true })
    await lab.send('DEL', `{${lab.streamName}}:dedupe`)
    expect(await again()).toEqual({ ...first, duplicate: true })
    await lab.send('CONFIG', 'SET', 'maxmemory', '0')
    expect(await again()).toEqual({ ...first, duplicate: true })
  })
})

const DAY_MS = 86_400_000

/** The keys that remember event ids. */
const remembering = (lab: Lab) => lab.send<string[]>('KEYS', `{${lab.streamName}}:dedupe*`)

async function redisMs(lab: Lab): Promise<number> {
  const [seconds, micros] = await lab.send<[string, string]>('TIME')
  return Number(seconds) * 1_000 + Math.floor(Number(micros) / 1_000)
}
