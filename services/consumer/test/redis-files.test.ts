import { randomUUID } from 'node:crypto'
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { newStandardSecret, sendStandard } from '@redis-streams-processor/events'
import {
  type Certificates,
  freePort,
  makeCertificates,
  RedisServer,
  sendOnce,
  tlsOptions,
  until,
  Worker,
} from '@redis-streams-processor/testbed'
import { describe, expect, onTestFinished, test } from 'vitest'

const LOST = 'no connection to Redis, trying again'

/** A Redis whose user `worker` has the password `first`. */
async function startRedis(options: readonly string[] = []): Promise<RedisServer> {
  const redis = await RedisServer.start(['--user', 'worker', 'on', '>first', '~*', '&*', '+@all', ...options])
  onTestFinished(() => redis.stop())
  return redis
}

function temporaryFile(text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'redis-streams-test-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const path = join(folder, 'file')
  writeFileSync(path, text)
  return path
}

function start(service: 'consumer' | 'producer', env: Record<string, string>): Worker {
  const worker = new Worker(service, { LOG_LEVEL: 'trace', WORK_MS: '1', ...env })
  onTestFinished(async () => {
    worker.kill('SIGKILL')
    await worker.exited()
  })
  return worker
}

const isLost = ({ msg }: { msg?: string }) => msg === LOST
const isConnected = ({ msg }: { msg?: string }) => msg === 'connected to Redis'

describe('REDIS_PASSWORD_FILE', () => {
  test('holds the password, and a new one is taken without a restart', async () => {
    const redis = await startRedis()
    const path = temporaryFile('first\n')
    const url = `redis://worker@127.0.0.1:${redis.port}`
    const consumer = start('consumer', { REDIS_URL: url, REDIS_PASSWORD_FILE: path })
    await consumer.waitFor(({ msg }) => msg === 'consumer started')
    writeFileSync(path, 'second\n')
    await sendOnce(redis.url, ['ACL', 'SETUSER', 'worker', 'resetpass', '>second'])
    await sendOnce(redis.url, ['CLIENT', 'KILL', 'USER', 'worker'])
    await consumer.waitFor(isLost)
    const again = () => consumer.lines.filter(isConnected).length >= 3
    await consumer.waitFor(again)
    expect(await consumer.stop()).toBe(0)
    expect(JSON.stringify(consumer.lines)).not.toMatch(/"first|first"|second/)
  })

  test('a file that is missing ends the service with one line', async () => {
    const consumer = start('consumer', { REDIS_PASSWORD_FILE: '/nowhere' })
    expect(await consumer.closed()).toBe(1)
    expect(consumer.lines.map(({ msg }) => msg)).toEqual([
      'Wrong settings:',
      expect.stringMatching(/^REDIS_PASSWORD_FILE: expected a file that can be read, got ENOENT/),
    ])
  })
})

describe('TLS', () => {
  /** A Redis that asks for certificates, and what a service has to be told of it. */
  async function startTlsRedis(certificates: Certificates) {
    const port = await freePort()
    await startRedis(tlsOptions(certificates, port, true))
    const { ca, client } = certificates
    return {
      ...{
        REDIS_URL: `rediss://worker@127.0.0.1:${port}`,
        REDIS_PASSWORD_FILE: temporaryFile('first'),
        STREAM: stream(),
      },
      ...{ REDIS_CA_FILE: ca, REDIS_CERT_FILE: client.cert, REDIS_KEY_FILE: client.key },
    }
  }
  const stream = () => `service_${randomUUID().slice(0, 8)}`

  test('producer and consumer work over TLS, by certificate, user and password', async () => {
    const env = await startTlsRedis(makeCertificates())
    const consumer = start('consumer', env)
    await consumer.waitFor(({ msg }) => msg === 'consumer started')
    const producer = start('producer', { ...env, BURST: '1', FAILING: '0' })
    expect(await producer.exited()).toBe(0)
    await consumer.waitFor(({ msg }) => msg === 'acknowledged')
    expect(await consumer.stop()).toBe(0)
  })

  test('a wrong authority is told once, and mended without a restart', async () => {
    const certificates = makeCertificates()
    const env = await startTlsRedis(certificates)
    const REDIS_CA_FILE = temporaryFile('')
    copyFileSync(makeCertificates().ca, REDIS_CA_FILE)
    const consumer = start('consumer', { ...env, REDIS_CA_FILE })
    const lost = () => consumer.lines.filter(isLost)
    await consumer.waitFor(isLost)
    expect(lost()[0]).toMatchObject({ error: expect.stringContaining("Redis' certificate is not trusted") })
    expect(lost()[0]).toMatchObject({ error: expect.stringContaining('REDIS_CA_FILE') })
    // Long enough for many attempts of both connections: it is told no second time.
    await new Promise((resolve) => setTimeout(resolve, 1_500))
    copyFileSync(certificates.ca, REDIS_CA_FILE)
    await consumer.waitFor(({ msg }) => msg === 'consumer started')
    expect(lost()).toHaveLength(1)
    expect(await consumer.stop()).toBe(0)
  })

  test('a producer with a wrong authority says so once; webhooks are refused until it is mended', async () => {
    const certificates = makeCertificates()
    const env = await startTlsRedis(certificates)
    const REDIS_CA_FILE = temporaryFile('')
    copyFileSync(makeCertificates().ca, REDIS_CA_FILE)
    const secret = newStandardSecret()
    const served = { WEBHOOK_STANDARD_SECRET: secret, WEBHOOK_GITHUB_SECRET: 'any', SIMULATE: 'off', HTTP_PORT: '0' }
    const producer = start('producer', { ...env, REDIS_CA_FILE, PUBLISH_TIMEOUT_MS: '300', ...served })
    const { url } = await producer.waitFor(({ msg }) => msg === 'webhooks are served')
    const lost = () => producer.lines.filter(isLost)
    const untrusted = expect.stringContaining("Redis' certificate is not trusted")
    expect(await producer.waitFor(isLost)).toMatchObject({ error: untrusted })
    const readyz = async () => (await fetch(`http://127.0.0.1:${await producer.opsPort()}/readyz`)).json()
    expect(await readyz()).toEqual({ ready: false, reason: untrusted })
    const body = JSON.stringify({ type: 'user.deleted', data: { userId: 'user_1' } })
    const port = new URL(String(url)).port
    const send = async () =>
      (await sendStandard(`http://127.0.0.1:${port}/webhooks/standard`, secret, 'w1', body)).status
    expect(await send()).toBe(503)
    copyFileSync(certificates.ca, REDIS_CA_FILE)
    await until('the webhook is taken', async () => (await send()) === 202, { timeoutMs: 30_000 })
    expect(lost()).toHaveLength(1)
    expect(await producer.stop()).toBe(0)
  })
})
