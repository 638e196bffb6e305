import { describe, expect } from 'vitest'
import { now } from '../../src/base/clock.ts'
import { Connection } from '../../src/broker/connection.ts'
import { type RedisOptions, RedisRefusedError, RedisUnavailableError } from '../../src/index.ts'
import { type Lab, test } from '../support/lab.ts'

/** A Redis with a user whose password changes. */
async function startRedis(shared: Lab) {
  const { redis, lab } = await shared.ownRedis()
  const setPassword = (password: string) =>
    lab.send('ACL', 'SETUSER', 'worker', 'reset', 'on', `>${password}`, '~*', '&*', '+@all')
  await setPassword('first')
  const addressWith = (password: string) => ({ url: redis.url, username: 'worker', password })
  return { lab, setPassword, addressWith }
}

/** A connection that ends with its test. */
function connect(lab: Lab, redis: RedisOptions, patienceMs?: number) {
  const connection = new Connection({ redis, name: 'test', ...(patienceMs && { patienceMs }) })
  lab.onClose(() => connection.close())
  return connection
}

describe('redis as a function: credentials that change', () => {
  test('a password is changed while producer and consumer work: they go on with the new one', async ({
    lab: shared,
  }) => {
    const { lab, setPassword, addressWith } = await startRedis(shared)
    let password = 'first'
    const redis = async () => addressWith(password)
    const { reports } = await lab.consumer({ redis })
    const producer = lab.producer({ redis, publishTimeoutMs: 40_000 })
    await producer.publish('counted', { n: 1 })
    await reports.until('the consumer acknowledges an event', () => reports.settled('ack').length === 1)
    await setPassword('second')
    await lab.send('CLIENT', 'KILL', 'USER', 'worker')
    // Until the new password has spread, the function still gives the old one, and Redis refuses it.
    const lost = () => reports.of('connection').filter(({ state }) => state === 'lost')
    await reports.until('both connections are lost', () => lost().length === 2)
    const refused = async () => JSON.stringify(await lab.send('ACL', 'LOG')).includes('AUTH')
    await lab.until('Redis has refused the old password', refused)
    password = 'second'
    await producer.publish('counted', { n: 2 })
    await reports.until('the consumer acknowledges 2 events', () => reports.settled('ack').length === 2)
  })

  test('is called once for each connection', async ({ lab: shared }) => {
    const { lab, addressWith } = await startRedis(shared)
    let calls = 0
    const redis = () => {
      calls += 1
      return addressWith('first')
    }
    await connect(lab, redis).ready()
    expect(calls).toBe(1)
    const consumer = await lab.consumer({ redis })
    await lab.until('both connections of the consumer are made', () => calls === 3)
    await consumer.stop()
    expect(calls).toBe(3)
  })

  test('what Redis refuses again and again is refused for good in the end', async ({ lab: shared }) => {
    const { lab, addressWith } = await startRedis(shared)
    let calls = 0
    const patienceMs = 1_000
    const startedAt = now()
    const redis = () => {
      calls += 1
      return addressWith('wrong')
    }
    const connection = connect(lab, redis, patienceMs)
    await expect(connection.ready()).rejects.toThrow('WRONGPASS')
    expect(connection.problem).toBeInstanceOf(RedisRefusedError)
    expect(now() - startedAt).toBeGreaterThan(patienceMs)
    expect(calls).toBeGreaterThan(3)
    expect(calls).toBeLessThan(20)
  })

  test('while it may pass, a refusal ends nothing: a publish rejects at its deadline', async ({ lab: shared }) => {
    const { lab, addressWith } = await startRedis(shared)
    const producer = lab.producer({ redis: () => addressWith('wrong'), publishTimeoutMs: 1_000 })
    const publishing = producer.publish('counted', { n: 1 })
    await expect(publishing).rejects.toMatchObject({ code: 'PUBLISH_TIMEOUT', outcome: 'not-sent' })
    await expect(publishing).rejects.toThrow('WRONGPASS')
  })

  test('a connection that is no longer authenticated is made anew', async ({ lab: shared }) => {
    const { lab, addressWith } = await startRedis(shared)
    await lab.send('CONFIG', 'SET', 'requirepass', 'of-the-default-user')
    const connection = connect(lab, () => addressWith('first'))
    await connection.ready()
    await connection.send(['RESET'])
    await expect(connection.send(['DBSIZE'])).rejects.toBeInstanceOf(RedisUnavailableError)
    await lab.until('commands are answered again', () => connection.send(['DBSIZE']).then((size) => size === 0))
    await connection.send(['CONFIG', 'SET', 'requirepass', ''])
  })

  test('a function that throws, rejects, or hangs is told of, and called again', async ({ lab: shared }) => {
    const { lab, addressWith } = await startRedis(shared)
    const answers: (() => ReturnType<typeof addressWith> | Promise<ReturnType<typeof addressWith>>)[] = [
      () => {
        throw new Error('NOAUTH at https://me:s3cret@vault.example.com')
      },
      async () => Promise.reject(new Error('WRONGPASS')),
      () => new Promise(() => {}),
    ]
    const redis = () => (answers.shift() ?? (() => addressWith('first')))()
    const consumer = await lab.consumer({ redis })
    const causes = consumer.reports.of('connection').map(({ cause }) => cause?.message)
    expect(causes).toContain('the function given as redis failed: NOAUTH at https://…@vault.example.com')
    expect(answers).toEqual([])
  })

  test('a function that hangs does not keep a consumer from stopping', async ({ lab }) => {
    const consumer = lab.startConsumer({ redis: () => new Promise(() => {}) })
    await consumer.stop()
  })
})
