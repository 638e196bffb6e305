import { userEvents } from '@redis-streams-processor/events'
import { parseSettings } from '@redis-streams-processor/service-kit'
import { RedisServer, Scrape } from '@redis-streams-processor/testbed'
import { describe, expect, inject, onTestFinished, test } from 'vitest'
import { Operations } from '../src/operations.ts'
import { settingsSchema } from '../src/settings.ts'
import { REFUSAL_REASONS, STATUSES } from '../src/webhooks/answers.ts'
import { WebhookServer } from '../src/webhooks/server.ts'
import { Tally } from '../src/webhooks/tally.ts'
import { Endpoint, event, signed } from './support/endpoint.ts'

const silent = { debug() {}, info() {}, warn() {}, error() {} }

async function readyz(port: number) {
  const response = await fetch(`http://127.0.0.1:${port}/readyz`)
  return { status: response.status, ...((await response.json()) as object) }
}

describe('/readyz of the producer', () => {
  test('ready once webhooks are served and there is a connection to Redis; HTTP_PORT does not answer it', async () => {
    const endpoint = new Endpoint()
    await endpoint.url
    const port = await endpoint.opsPort()
    await endpoint.until('it is ready', async () => (await readyz(port)).status === 200)
    expect((await Scrape.of(port)).sum('streams_ready')).toBe(1)
    for (const path of ['/livez', '/readyz', '/metrics', '/healthz'])
      expect(await endpoint.request('GET', path)).toMatchObject({ status: 404 })
  })

  test('not ready while Redis is away', async () => {
    const redis = await RedisServer.start()
    onTestFinished(() => redis.stop())
    const endpoint = new Endpoint({ REDIS_URL: redis.url })
    const port = await endpoint.opsPort()
    await endpoint.until('it is ready', async () => (await readyz(port)).status === 200)
    await redis.kill()
    await endpoint.until('it is not ready', async () => (await readyz(port)).status === 503)
    expect(await readyz(port)).toMatchObject({ reason: expect.stringMatching(/^no connection to Redis/) })
    await redis.start()
    await endpoint.until('it is ready again', async () => (await readyz(port)).status === 200)
    // Once, and not for each source.
    const lost = endpoint.lines.filter(({ msg }) => msg === 'no connection to Redis, trying again')
    expect(lost).toHaveLength(1)
    expect((await Scrape.of(port)).sum('streams_redis_reconnects_total')).toBe(1)
  })

  test('not ready from SIGTERM on, although webhooks are still taken', async () => {
    const endpoint = new Endpoint({ HTTP_DRAIN_DELAY_MS: '2000' })
    await endpoint.url
    const port = await endpoint.opsPort()
    await endpoint.until('it is ready', async () => (await readyz(port)).status === 200)
    endpoint.stop()
    expect(await readyz(port)).toEqual({ status: 503, ready: false, reason: 'the producer is stopping' })
    expect(await endpoint.send()).toMatchObject({ status: 202 })
    await endpoint.done
  })

  test('not ready while the server for webhooks does not listen', async () => {
    const settings = parseSettings(settingsSchema, { REDIS_URL: inject('redisUrl'), OPS_PORT: '0' })
    const lines: { port?: number }[] = []
    const logger = { ...silent, info: (fields: object) => void lines.push(fields) }
    const { signal } = new AbortController()
    const operations = new Operations({ settings, stream: userEvents(), logger, signal })
    const metrics = operations.newWebhookMetrics({ sources: [], statuses: STATUSES, reasons: REFUSAL_REASONS })
    const options = { host: '127.0.0.1', port: 0, trustProxy: false as const, rateLimit: 0, drainDelayMs: 0 }
    const server = new WebhookServer(options, [], new Tally(silent, metrics))
    operations.watch(server)
    await operations.open()
    onTestFinished(() => operations.close())
    const port = lines.find((line) => line.port !== undefined)?.port as number
    const isNotReady = { status: 503, ready: false, reason: 'no webhooks are taken' }
    expect(await readyz(port)).toEqual(isNotReady)
    await server.start()
    expect(await readyz(port)).toEqual({ status: 200, ready: true })
    await server.stop()
    expect(await readyz(port)).toEqual(isNotReady)
  })
})

describe('the metrics of webhooks', () => {
  test('every request, its time, why it was refused, and what the catalog does not fit', async () => {
    const endpoint = new Endpoint({ WEBHOOK_STRIPE_SECRET: '' })
    const body = event()
    const statuses = [
      await endpoint.send(body, { id: 'a' }),
      await endpoint.send(body, { id: 'a' }),
      await endpoint.send(event({ userId: 7 })),
      await endpoint.send(event({}, 'never.heard.of')),
      await endpoint.send('{"type":'),
      await endpoint.send(body, { secret: `whsec_${Buffer.alloc(32).toString('base64')}` }),
      await endpoint.send(body, { atMs: 0 }),
      await endpoint.post('standard', body, { ...signed.standard(body), 'content-encoding': 'gzip' }),
      await endpoint.post('github', body, signed.standard(body)),
      await endpoint.post('github', '{}', await signed.github('{}', { event: 'ping' })),
      await endpoint.post('stripe', body, signed.stripe(body)),
      await endpoint.request('GET', `/webhooks/${'x'.repeat(50)}`),
      await endpoint.request('GET', '/webhooks/standard'),
    ].map(({ status }) => status)
    expect(statuses).toEqual([202, 200, 202, 202, 400, 401, 401, 415, 401, 200, 404, 404, 405])

    const scrape = await Scrape.of(await endpoint.opsPort())
    const counted = (name: string, label: string) =>
      scrape.all(name).flatMap(({ labels, value }) => (value > 0 ? [[labels.source, labels[label], value]] : []))
    expect(counted('webhook_requests_total', 'code')).toEqual([
      ['other', '404', 2],
      ['standard', '200', 1],
      ['standard', '202', 3],
      ['standard', '400', 1],
      ['standard', '401', 2],
      ['standard', '405', 1],
      ['standard', '415', 1],
      ['github', '200', 1],
      ['github', '401', 1],
    ])
    expect(counted('webhook_rejected_total', 'reason')).toEqual([
      ['other', 'unknown-source', 2],
      ['standard', 'stale', 1],
      ['standard', 'forged', 1],
      ['standard', 'no-json', 1],
      ['standard', 'wrong-method', 1],
      ['standard', 'media-type', 1],
      ['github', 'unsigned', 1],
    ])
    expect(counted('webhook_unfit_total', 'source')).toEqual([['standard', 'standard', 2]])
    expect(scrape.sum('webhook_request_duration_seconds_count')).toBe(statuses.length)
    expect(scrape.sum('webhook_request_duration_seconds_count', { source: 'standard' })).toBe(9)
    // What was appended as it came is no publish that failed.
    expect(scrape.all('streams_published_total').filter(({ value }) => value > 0)).toMatchObject([
      { labels: { result: 'appended' }, value: 3 },
      { labels: { result: 'duplicate' }, value: 1 },
    ])
  })

  test('the publishes of every source count', async () => {
    const endpoint = new Endpoint()
    expect(await endpoint.send()).toMatchObject({ status: 202 })
    expect(await endpoint.post('github', '{}', await signed.github('{}'))).toMatchObject({ status: 202 })
    expect(await endpoint.post('stripe', '{}', signed.stripe('{}'))).toMatchObject({ status: 202 })
    const scrape = await Scrape.of(await endpoint.opsPort())
    expect(scrape.sum('streams_published_total', { result: 'appended' })).toBe(3)
    expect(scrape.sum('streams_publish_duration_seconds_count')).toBe(3)
  })
})
