import { describe, expect } from 'vitest'
import { checkVersion } from '../../src/broker/server.ts'
import { PublishBufferFullError, PublishTimeoutError, RedisRefusedError, reject } from '../../src/index.ts'
import { range } from '../support/events.ts'
import { GROUP, Lab, startServer, test } from '../support/lab.ts'

const NOWHERE = 'redis://127.0.0.1:1'

describe('Redis away', () => {
  test('a publish rejects with a named error at its deadline', async ({ lab }) => {
    const producer = lab.producer({ redis: NOWHERE, publishTimeoutMs: 200 })
    const error = await producer.publish('counted', { n: 1 }).catch((error) => error)
    expect(error).toBeInstanceOf(PublishTimeoutError)
    expect(error).toMatchObject({ code: 'PUBLISH_TIMEOUT', outcome: 'not-sent' })
    expect(error.message).toContain('ECONNREFUSED')
  })

  test('the buffer is bounded: one more rejects at once', async ({ lab }) => {
    const producer = lab.producer({ redis: NOWHERE, publishTimeoutMs: 500, maxBuffered: 10 })
    const answers = await Promise.allSettled(range(11).map((n) => producer.publish('counted', { n })))
    const reasons = answers.map((answer) => answer.status === 'rejected' && answer.reason)
    expect(reasons.slice(0, 10).every((reason) => reason instanceof PublishTimeoutError)).toBe(true)
    expect(reasons[10]).toBeInstanceOf(PublishBufferFullError)
  })

  test('closing answers every publish that is open', async ({ lab }) => {
    const producer = lab.producer({ redis: NOWHERE, publishTimeoutMs: 300 })
    const publishing = producer.publish('counted', { n: 1 })
    publishing.catch(() => {})
    await producer.close()
    await expect(publishing).rejects.toThrow(PublishTimeoutError)
    await expect(producer.publish('counted', { n: 2 })).rejects.toMatchObject({ code: 'PRODUCER_CLOSED' })
  })

  test('a consumer waits, tells it once for each connection, and starts when Redis is there', async ({
    lab: shared,
  }) => {
    const redis = await startServer()
    shared.onClose(() => redis.stop())
    const lab = new Lab(redis.url)
    await redis.kill()
    const consumer = lab.startConsumer()
    await consumer.reports.until(
      'the consumer tells of its connection',
      (reports) => reports.of('connection').length === 2,
    )
    // Long enough for many attempts: it is told no second time.
    await new Promise((resolve) => setTimeout(resolve, 1_500))
    expect(consumer.reports.of('connection').map(({ state }) => state)).toEqual(['lost', 'lost'])
    await redis.start()
    await consumer.reports.until('the consumer joins', (reports) => reports.of('started').length === 1)
    expect(consumer.reports.of('trouble')).toEqual([])
    await lab.close()
  })
})

describe('Redis says no for good', () => {
  test('a wrong password', async ({ lab: shared }) => {
    const redis = await startServer()
    shared.onClose(() => redis.stop())
    const lab = new Lab(redis.url)
    await lab.send('CONFIG', 'SET', 'requirepass', 'right')
    const wrong = `redis://:wrong@127.0.0.1:${redis.port}`
    await expect(lab.startConsumer({ redis: wrong }).done).rejects.toThrow('WRONGPASS')
    await expect(lab.startConsumer({ redis: { url: redis.url } }).done).rejects.toBeInstanceOf(RedisRefusedError)
    await expect(lab.producer({ redis: wrong }).ready()).rejects.toMatchObject({ code: 'REDIS_REFUSED' })
    await expect(lab.producer({ redis: wrong }).publish('counted', { n: 1 })).rejects.toBeInstanceOf(RedisRefusedError)
    const right = await lab.consumer({ redis: `redis://:right@127.0.0.1:${redis.port}` })
    await right.stop()
    lab.mayLeavePending = true
    await lab.close()
  })

  test("a key of another type under the stream's name", async ({ lab }) => {
    await lab.send('SET', lab.streamName, 'a string')
    await expect(lab.startConsumer().done).rejects.toThrow('WRONGTYPE')
    await expect(lab.producer().ready()).rejects.toThrow('WRONGTYPE')
    await expect(lab.producer().publish('counted', { n: 1 })).rejects.toBeInstanceOf(RedisRefusedError)
    await lab.send('DEL', lab.streamName)
  })

  test('the stream is replaced by a string while consumers work', async ({ lab }) => {
    const consumer = await lab.consumer({ blockMs: 200 })
    await lab.send('SET', lab.streamName, 'a string')
    await expect(consumer.done).rejects.toThrow('WRONGTYPE')
    await lab.send('DEL', lab.streamName)
  })

  test('a key of another type under that of the dead letters: one error, and nothing lost', async ({ lab }) => {
    const dead = `{${lab.streamName}}:${GROUP}:dead`
    await lab.send('SET', dead, 'a string')
    const handlers = { counted: () => reject('never') }
    const consumer = await lab.consumer({ handlers })
    const { id } = await lab.producer().publish('counted', { n: 1 })
    await expect(consumer.done).rejects.toThrow('WRONGTYPE')
    // The report says how the run went, and that nothing was written.
    expect(consumer.reports.settled()).toMatchObject([{ result: 'rejected', outcome: { type: 'abandon' } }])
    await lab.send('DEL', dead)
    expect(await lab.group()).toMatchObject({ pending: 0, waitingForRetry: 1 })
    const next = await lab.consumer({ handlers })
    await next.reports.until(
      'the next consumer dead-letters an event',
      (reports) => reports.settled('dead-letter').length === 1,
    )
    expect(await lab.deadLetters()).toMatchObject([{ eventId: id, deliveries: 1 }])
  })

  test('idempotency records that the user may not write: one error, and nothing run', async ({ lab: shared }) => {
    const redis = await startServer()
    shared.onClose(() => redis.stop())
    const lab = new Lab(redis.url)
    const own = [
      '',
      ':marks',
      ':lock:*',
      `:${GROUP}:scan`,
      `:${GROUP}:history`,
      `:${GROUP}:due`,
      `:${GROUP}:clock`,
      `:${GROUP}:controls`,
      `:${GROUP}:tally`,
      `:${GROUP}:takeovers`,
      `:${GROUP}:runs:*`,
    ].map((key) => `~{${lab.streamName}}${key}`)
    const keys = [`~${lab.streamName}`, ...own]
    await lab.send('ACL', 'SETUSER', 'worker', 'on', '>secret', '&*', '+@all', ...keys)
    const handled: number[] = []
    const consumer = await lab.consumer({
      redis: `redis://worker:secret@127.0.0.1:${redis.port}`,
      idempotency: {},
      handlers: { counted: ({ data }) => void handled.push(data.n) },
    })
    await lab.producer().publish('counted', { n: 1 })
    await expect(consumer.done).rejects.toBeInstanceOf(RedisRefusedError)
    expect(handled).toEqual([])
    lab.mayLeavePending = true
    await lab.close()
  })

  test('a server that is too old', () => {
    expect(() => checkVersion('6.2.14')).toThrow('Redis 6.2.14 is too old: 7.0 or newer is needed')
    expect(() => checkVersion('7.0.15')).not.toThrow()
    expect(() => checkVersion('10.0.0')).not.toThrow()
    expect(() => checkVersion(undefined)).not.toThrow()
  })
})
