import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort, makeCertificates, tlsOptions } from '@redis-streams-processor/testbed'
import { describe, expect } from 'vitest'
import { type RedisOptions, RedisRefusedError } from '../../src/index.ts'
import { Lab, startServer, test } from '../support/lab.ts'

/** A Redis that speaks TLS on a second port, and asks for certificates there. */
async function startTlsRedis(lab: Lab) {
  const certificates = makeCertificates()
  const tlsPort = await freePort()
  const redis = await startServer(tlsOptions(certificates, tlsPort, true))
  lab.onClose(() => redis.stop())
  return { redis, tlsPort, ca: readFileSync(certificates.ca) }
}

describe('a Unix socket', () => {
  test('by its URL: with user, password and database, or with none', async ({ lab: shared }) => {
    const folder = mkdtempSync(join(tmpdir(), 'redis-streams-unix-'))
    const path = join(folder, 'redis.sock')
    const redis = await startServer(['--unixsocket', path])
    shared.onClose(async () => {
      await redis.stop()
      rmSync(folder, { recursive: true })
    })
    const lab = new Lab(redis.url)
    await lab.send('ACL', 'SETUSER', 'worker', 'on', '>s3/cret', '~*', '&*', '+@all')
    const { reports } = await lab.consumer({ redis: `unix://${path}` })
    await lab
      .producer({ redis: { url: `unix://${path}`, socket: { connectTimeout: 1_000 } } })
      .publish('counted', { n: 1 })
    await reports.until('the consumer acknowledges an event', () => reports.settled('ack').length === 1)
    await lab.producer({ redis: `unix://worker:s3%2Fcret@${path}?db=1` }).publish('counted', { n: 2 })
    expect((await lab.inspect()).length).toBe(1)
    await lab.send('SELECT', 1)
    expect(await lab.send('XLEN', lab.streamName)).toBe(1)
    await lab.send('SELECT', 0)
    const wrong = lab.producer({ redis: `unix://worker:wrong@${path}` }).ready()
    await expect(wrong).rejects.toThrow('WRONGPASS')
    await lab.close()
  })

  test.for([
    ['unix://', 'not a URL of Redis'],
    ['unix://user:s3cret@host/', 'not a URL of Redis'],
    ['unix:///run/redis.sock?db=x', 'Invalid db query parameter'],
  ] as const)('%s cannot be used', async ([redis, message], { lab }) => {
    const error: Error = await lab
      .producer({ redis })
      .ready()
      .catch((error) => error)
    expect(error).toBeInstanceOf(RedisRefusedError)
    expect(error.message).toContain(message)
    expect(error.message).not.toContain('s3cret')
  })
})

test('a consumer may have a name that Redis does not take for a connection', async ({ lab }) => {
  const { reports } = await lab.consumer({ consumer: 'käufer-1' })
  await lab.producer().publish('counted', { n: 1 })
  await reports.until('the consumer acknowledges an event', () => reports.settled('ack').length === 1)
})

test('a connection that is lost while ready() looks at the stream: it goes on with the next one', async ({ lab }) => {
  const proxy = await lab.proxy()
  const states: string[] = []
  const producer = lab.producer({
    redis: proxy.url,
    onReport: (report) => {
      if (report.kind !== 'connection') return
      states.push(report.state)
      if (states.length === 1) proxy.cut()
    },
  })
  await producer.ready()
  expect(states).toEqual(['connected', 'lost', 'connected'])
})

describe('what cannot heal ends the consumer and the producer with one clear error', () => {
  test.for<[string, string, string]>([
    ['a database that does not exist', '/99', 'DB index is out of range'],
    ['a path that is no number', '/orders', 'Invalid pathname'],
    ['a password that is not URL-encoded', '', 'URI malformed'],
  ])('%s', async ([, path, message], { lab }) => {
    const at = new URL(lab.url)
    const url = path ? `${lab.url}${path}` : `redis://:50%off@${at.host}`
    const consumer = await lab
      .startConsumer({ redis: { url } })
      .done.then(() => undefined)
      .catch((error: unknown) => error)
    expect(consumer).toBeInstanceOf(RedisRefusedError)
    expect((consumer as Error).message).toContain(message)
    await expect(lab.producer({ redis: { url } }).ready()).rejects.toMatchObject({ code: 'REDIS_REFUSED' })
  })

  test('a node of a Redis Cluster', async ({ lab: shared }) => {
    const nodes = [await startNode(shared), await startNode(shared)] as const
    const [lab, other] = nodes.map(({ url }) => new Lab(url)) as [Lab, Lab]
    await lab.send('CLUSTER', 'ADDSLOTSRANGE', '0', '8191')
    await other.send('CLUSTER', 'ADDSLOTSRANGE', '8192', '16383')
    await lab.send('CLUSTER', 'MEET', '127.0.0.1', nodes[1].port, nodes[1].bus)
    const isWhole = async () => (await lab.send<string>('CLUSTER', 'INFO')).includes('cluster_state:ok')
    await lab.until('the cluster is whole', isWhole)
    const slot = await lab.send<number>('CLUSTER', 'KEYSLOT', lab.streamName)
    const wrongNode = slot < 8_192 ? nodes[1] : nodes[0]
    const refused = lab.startConsumer({ redis: wrongNode.url }).done
    await expect(refused).rejects.toThrow('this is a node of a Redis Cluster, which is not supported: MOVED')
    await expect(lab.producer({ redis: wrongNode.url }).ready()).rejects.toThrow('a node of a Redis Cluster')
    lab.mayLeavePending = true
    other.mayLeavePending = true
    await lab.close()
    await other.close()
  })
})

async function startNode(lab: Lab) {
  const bus = await freePort()
  const redis = await startServer(['--cluster-enabled', 'yes', '--cluster-port', String(bus)])
  lab.onClose(() => redis.stop())
  return { url: redis.url, port: redis.port, bus }
}

describe('what might heal says what is wrong while it tries', () => {
  test('TLS to a plain port, plain to a TLS port, certificates that one side does not trust', async ({
    lab: shared,
  }) => {
    const { redis, tlsPort, ca } = await startTlsRedis(shared)
    const lab = new Lab(redis.url)
    const told = async (redis: RedisOptions) => {
      const consumer = lab.startConsumer({ redis })
      await consumer.reports.until('the lost connection is told', (reports) => reports.of('connection').length > 0)
      await consumer.stop()
      return consumer.reports.of('connection')[0]?.cause?.message
    }
    expect(await told(`rediss://127.0.0.1:${redis.port}`)).toContain(
      'if Redis speaks no TLS on this port, use redis://',
    )
    expect(await told(`redis://127.0.0.1:${tlsPort}`)).toContain('if this port speaks TLS, use rediss://')
    expect(await told(`rediss://127.0.0.1:${tlsPort}`)).toContain("Redis' certificate is not trusted: set socket.ca")
    const trusting = { tls: true as const, ca }
    expect(await told({ url: `rediss://127.0.0.1:${tlsPort}`, socket: trusting })).toContain(
      'if Redis asks for certificates, set socket.cert',
    )
    const byName = await told({ url: `rediss://localhost:${tlsPort}`, socket: trusting })
    expect(byName).toMatch(/^Hostname\/IP does not match certificate's altnames: [^:]*: [^:]*CN: server$/)
    await lab.close()
  })

  test('no password is told, whatever the client library says', async ({ lab }) => {
    const redis = { url: 'redis://:s3cret@127.0.0.1:1', socket: { tls: true as const } }
    const consumer = lab.startConsumer({ redis })
    const ended = await consumer.done.catch((error: Error) => error)
    const publish = lab.producer({ redis, publishTimeoutMs: 100 }).publish('counted', { n: 1 })
    const error = await publish.catch((error: Error) => error)
    const everything = [ended, error, ...consumer.reports.all].map((told) => `${String(told)} ${JSON.stringify(told)}`)
    expect(everything.join()).not.toContain('s3cret')
    expect(String(error)).toMatch(/Error/)
  })
})
