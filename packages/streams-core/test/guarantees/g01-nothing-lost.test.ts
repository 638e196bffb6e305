import { describe, expect } from 'vitest'
import { range } from '../support/events.ts'
import { GROUP, Lab, startServer, test } from '../support/lab.ts'

describe('G1: nothing is lost', () => {
  test('when a consumer is SIGKILLed while it holds entries', async ({ lab }) => {
    const settings = { CONCURRENCY: '8', LEASE_MS: '1000', BLOCK_MS: '200', LOG_LEVEL: 'error' }
    const victim = lab.worker('consumer', { ...settings, CONSUMER: 'victim', WORK_MS: '60000' })
    await lab.until('the victim joins', () => lab.ledger('joined').length === 1)
    const publisher = lab.worker('producer', { BURST: '300', USERS: '2' })
    expect(await publisher.exited()).toBe(0)
    await lab.until('the victim starts 8 events', () => lab.ledger('started').length === 8)

    victim.kill('SIGKILL')
    lab.worker('consumer', { ...settings, CONSUMER: 'heir', WORK_MS: '1' })
    const published = new Set(lab.ledger('published').map(({ id }) => id))
    expect(published.size).toBe(300)
    await lab.until('every event is finished', () => new Set(lab.ledger('returned').map(({ id }) => id)).size === 300)
    expect(new Set(lab.ledger('returned').map(({ id }) => id))).toEqual(published)
    expect(lab.ledger('started').filter(({ consumer }) => consumer === 'victim')).toHaveLength(8)
  })

  test('when Redis is SIGKILLed and comes back, for each publish that resolved', async ({ lab: shared }) => {
    const redis = await startServer(['--appendfsync', 'always'])
    shared.onClose(() => redis.stop())
    const lab = new Lab(redis.url)
    const handled = new Set<number>()
    const consumer = await lab.consumer({
      leaseMs: 1_000,
      blockMs: 200,
      handlers: {
        counted: ({ data }) => {
          handled.add(data.n)
        },
      },
    })
    const producer = lab.producer()
    await Promise.all(range(200).map((n) => producer.publish('counted', { n })))
    const meanwhile = range(200).map((n) => producer.publish('counted', { n: 200 + n }))
    await redis.kill()
    await redis.start()
    await Promise.all(meanwhile)

    await consumer.reports.until('every event is handled', () => handled.size === 400)
    expect([...handled].sort((a, b) => a - b)).toEqual(range(400))
    await lab.until('every event is acknowledged', async () => (await lab.group(GROUP)).pending === 0)
    await lab.close()
  })

  test('when the event loop is busy, each publish gets its answer all the same', async ({ lab }) => {
    const producer = lab.producer({ maxBatch: 1 })
    await producer.ready()
    let isBusy = true
    // The reply to a batch comes in before its neighbour has been told its answer.
    const block = () => {
      const end = performance.now() + 5
      while (performance.now() < end);
      if (isBusy) setImmediate(block)
    }
    block()
    const published = await Promise.all(range(50).map((n) => producer.publish('counted', { n }))).finally(() => {
      isBusy = false
    })
    expect(published).toHaveLength(50)
  })

  test('with durability fsync, a resolved publish is on disk', async ({ lab: shared }) => {
    const redis = await startServer(['--appendfsync', 'no'])
    shared.onClose(() => redis.stop())
    const lab = new Lab(redis.url)
    const hasWaitAof = await lab.allowFsync()
    const producer = lab.producer({ durability: 'fsync' })
    if (!hasWaitAof) {
      await expect(producer.ready()).rejects.toThrow('WAITAOF')
    } else {
      // With appendfsync no, Redis does not sync by itself, and WAITAOF waits until its timeout: so a duplicate waits
      // for its first append, although another producer has appended that.
      await lab.producer().publish('counted', { n: 0 }, { id: 'not on disk' })
      const impatient = lab.producer({ durability: 'fsync', publishTimeoutMs: 600 })
      const again = impatient.publish('counted', { n: 0 }, { id: 'not on disk' })
      await expect(again).rejects.toMatchObject({ code: 'PUBLISH_TIMEOUT', outcome: 'unknown' })
      await lab.send('CONFIG', 'SET', 'appendfsync', 'everysec')
      await producer.ready()
      const publish = () => producer.publish('counted', { n: 1 }, { id: 'once' })
      await expect(publish()).resolves.toMatchObject({ duplicate: false })
      await expect(publish()).resolves.toMatchObject({ duplicate: true })
    }
    await lab.close()
  })

  test('with durability fsync, a server without append-only persistence is refused', async ({ lab: shared }) => {
    const redis = await startServer(['--appendonly', 'no'])
    shared.onClose(() => redis.stop())
    const lab = new Lab(redis.url)
    await lab.allowFsync()
    await expect(lab.producer({ durability: 'fsync' }).ready()).rejects.toMatchObject({ code: 'REDIS_REFUSED' })
    await lab.close()
  })
})
