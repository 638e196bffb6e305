import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  defineSource,
  maxEventBytesOf,
  type Source,
  sources,
  standardScheme,
  userEvents,
} from '@redis-streams-processor/events'
import { Ledger, readLedger } from '@redis-streams-processor/service-kit'
import { createProducer, type ProducerOptions } from '@redis-streams-processor/streams-core'
import { RedisServer, Scrape, sendOnce } from '@redis-streams-processor/testbed'
import { describe, expect, inject, onTestFinished, test } from 'vitest'
import { acme } from '../../../packages/events/test/unit/own-source.ts'
import { Receiver } from '../src/webhooks/receiver.ts'
import { WebhookServer } from '../src/webhooks/server.ts'
import { Tally } from '../src/webhooks/tally.ts'
import { consumeIn, GROUPS, handledByAll } from './support/consume-in.ts'
import { Endpoint, event, SECRETS, type SourceName, signed } from './support/endpoint.ts'

async function ownRedis(options?: string[]): Promise<RedisServer> {
  const redis = await RedisServer.start(options)
  onTestFinished(() => redis.stop())
  return redis
}

/** Serves the source `standard` with a producer that has these limits. */
async function serveNarrowly(redis: string, limits: Pick<ProducerOptions, 'maxBuffered' | 'maxEventBytes'>) {
  const source = sources.standard as Source
  const producer = createProducer(userEvents(`test_${randomUUID().slice(0, 8)}`), { redis, ...limits })
  onTestFinished(() => producer.close())
  const logger = { debug() {}, info() {}, warn() {}, error() {} }
  const rejected: unknown[] = []
  const tally = new Tally(logger, { answered() {}, rejected: (...told) => void rejected.push(told), unfit() {} })
  const ledger = new Ledger(undefined, 'test')
  const receiver = new Receiver(
    { name: 'standard', source, keys: [source.scheme.keyOf(SECRETS.standard)], toleranceMs: 300_000 },
    { producer, logger, ledger, tally, onRefused: () => {} },
  )
  const options = { host: '127.0.0.1', port: 0, trustProxy: false, rateLimit: 0, drainDelayMs: 0 } as const
  const server = new WebhookServer(options, [receiver], tally)
  onTestFinished(() => server.stop())
  await Promise.all([producer.ready(), server.start()])
  const send = (body: string, id: string) =>
    fetch(server.url + receiver.path, { method: 'POST', headers: signed.standard(body, { id }), body })
  return { send, rejected }
}

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'redis-streams-test-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

const bodies: Record<SourceName, string> = {
  standard: event({ userId: 'user_7', name: 'Zoë 🚀' }),
  github: JSON.stringify({ ref: 'refs/heads/main', repository: { full_name: 'octo/repo' } }),
  stripe: JSON.stringify({
    id: 'evt_1',
    type: 'invoice.paid',
    created: 1_800_000_000,
    data: { object: { id: 'in_1' } },
  }),
}

describe('what is signed is appended once', () => {
  const expected: Record<SourceName, object> = {
    standard: { id: 'standard:d1', type: 'user.deleted', source: '/webhooks/standard', subject: 'user_7' },
    github: { id: 'github:d1', type: 'github.push', source: '/webhooks/github', subject: 'octo/repo' },
    stripe: { id: 'stripe:evt_1', type: 'stripe.invoice.paid', source: '/webhooks/stripe', subject: 'in_1' },
  }

  test.each(Object.keys(bodies) as SourceName[])(
    '%s: 202 with the entry id, then 200 with the same',
    async (source) => {
      const endpoint = new Endpoint()
      const body = bodies[source]
      const first = await endpoint.post(source, body, await signed[source](body, { id: 'd1' }))
      expect(first).toMatchObject({ status: 202, body: { duplicate: false } })
      const again = await endpoint.post(source, body, await signed[source](body, { id: 'd1' }))
      expect(again).toMatchObject({ status: 200, body: { ...first.body, duplicate: true } })
      const [[entryId, entry], ...more] = [...(await endpoint.entries())] as [[string, Record<string, string>]]
      expect(more).toEqual([])
      expect(entryId).toBe(first.body.entryId)
      expect(entry).toMatchObject(expected[source])
      const { data } = JSON.parse(body)
      expect(JSON.parse(entry.data as string)).toEqual(source === 'standard' ? data : JSON.parse(body))
    },
  )

  test('the time of the event is what its sender says', async () => {
    const endpoint = new Endpoint()
    const body = JSON.stringify({ type: 'user.deleted', timestamp: '2026-01-02T03:04:05Z', data: { userId: 'user_1' } })
    await endpoint.send(body)
    const [entry] = (await endpoint.entries()).values()
    expect(entry?.time).toBe('2026-01-02T03:04:05.000Z')
  })

  test('many at once, twice each: one entry each', async () => {
    const endpoint = new Endpoint()
    const ids = Array.from({ length: 300 }, (_, n) => `many-${n}`)
    const answers = await Promise.all([...ids, ...ids].map((id) => endpoint.send(event(), { id })))
    expect(answers.filter(({ status }) => status === 202)).toHaveLength(300)
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(300)
    expect((await endpoint.entries()).size).toBe(300)
  })

  test('with DURABILITY=fsync', async () => {
    const redis = await ownRedis(['--appendfsync', 'always'])
    const endpoint = new Endpoint({ REDIS_URL: redis.url, DURABILITY: 'fsync' })
    const [command] = await endpoint.command<unknown[]>('COMMAND', 'INFO', 'WAITAOF')
    if (command === null) return expect(endpoint.done).rejects.toThrow('WAITAOF')
    expect((await endpoint.send()).status).toBe(202)

    // This one writes to its disk whenever the operating system likes.
    const lazy = await ownRedis(['--appendfsync', 'no'])
    const send = async (DURABILITY: string) => {
      const endpoint = new Endpoint({ REDIS_URL: lazy.url, PUBLISH_TIMEOUT_MS: '2000', DURABILITY })
      await endpoint.line(({ msg }) => msg === 'connected to Redis')
      return (await endpoint.send()).status
    }
    expect([await send('fsync'), await send('memory')]).toEqual([503, 202])
  })

  test('of the source in the README, and handled as what its code says', async () => {
    const endpoint = new Endpoint({}, { github: acme })
    const body = JSON.stringify({ customer: 'user_1', order: 'o1', cents: 995 })
    const headers = { ...(await signed.github(body)), 'x-acme-delivery': 'd1' }
    expect(await endpoint.post('github', body, headers)).toMatchObject({ status: 202 })
    const [entry] = (await endpoint.entries()).values()
    expect(entry).toMatchObject({ type: 'payment.confirmed', source: '/webhooks/github' })
    const { handled } = consumeIn(endpoint.redisUrl, userEvents(endpoint.stream))
    await handledByAll(handled, 1)
    for (const group of GROUPS) expect(handled.get(group)).toEqual(['github:d1'])
  })

  test('a ping of GitHub is answered 200, and is no event', async () => {
    const endpoint = new Endpoint()
    const body = '{"zen":"Keep it logically awesome."}'
    const answer = await endpoint.post('github', body, await signed.github(body, { event: 'ping' }))
    expect(answer).toMatchObject({ status: 200, body: { noEvent: 'ping' } })
    expect((await endpoint.entries()).size).toBe(0)
  })
})

describe('what is refused', () => {
  test('each has its status, nothing is appended, and the log says why', async () => {
    const endpoint = new Endpoint({ WEBHOOK_STRIPE_SECRET: '' })
    const body = event()
    const headers = signed.standard(body)
    const post = (changed: object, text: string | Buffer = body) =>
      endpoint.post('standard', text, { ...headers, ...changed })
    const without = (name: string) => Object.fromEntries(Object.entries(headers).filter(([key]) => key !== name))

    expect(await endpoint.send('{"type":')).toMatchObject({ status: 400 })
    expect(await endpoint.send(' ')).toMatchObject({ status: 400 })
    const unauthorized = [
      await post({ 'webhook-signature': `v1,${Buffer.alloc(32).toString('base64')}` }),
      await post({ 'webhook-id': 'another' }),
      await post({}, `${body} `),
      await endpoint.send(body, { atMs: Date.now() - 301_000 }),
      await endpoint.send(body, { atMs: Date.now() + 310_000 }),
      await endpoint.send(body, { secret: `whsec_${Buffer.alloc(32).toString('base64')}` }),
      await endpoint.post('standard', body, without('webhook-signature')),
      await endpoint.post('standard', body, without('webhook-id')),
      await endpoint.post('standard', body, await signed.github(body)),
      await endpoint.post('github', body, headers),
    ]
    for (const answer of unauthorized) expect(answer).toMatchObject({ status: 401, body: unauthorized[0]?.body ?? {} })

    expect(await endpoint.post('nobody', body, headers)).toMatchObject({ status: 404 })
    // A source without a secret.
    expect(await endpoint.post('stripe', body, signed.stripe(body))).toMatchObject({ status: 404 })
    expect(await endpoint.request('GET', '/')).toMatchObject({ status: 404 })
    for (const method of ['GET', 'HEAD', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
      const answer = await endpoint.request(method, '/webhooks/standard')
      expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'POST'])
    }

    const large = event({ userId: 'user_1', text: 'x'.repeat(1_048_576) })
    expect(await endpoint.send(large)).toMatchObject({ status: 413 })
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/xml', ''])
      expect(await post({ 'content-type': type })).toMatchObject({ status: 415 })
    expect(await post({ 'content-encoding': 'gzip' })).toMatchObject({ status: 415 })

    expect((await endpoint.entries()).size).toBe(0)
    const reasons = endpoint.lines.flatMap(({ msg, reason }) => (msg === 'webhook refused' ? [reason] : []))
    for (const reason of ['forged', 'stale', 'unsigned', 'no-json']) expect(reasons).toContain(reason)
    expect(endpoint.lines).toContainEqual(
      expect.objectContaining({
        ...{ msg: 'not served: it has no secret', source: 'stripe', setting: 'WEBHOOK_STRIPE_SECRET' },
      }),
    )
    expect(JSON.stringify(endpoint.lines)).not.toContain('the secret')
    // It still works.
    expect(await endpoint.send()).toMatchObject({ status: 202 })
  })

  test.each(Object.keys(bodies) as SourceName[])(
    '%s: one that is forged, one that is stale and one with a byte changed are not taken',
    async (source) => {
      const endpoint = new Endpoint()
      const body = bodies[source]
      const secret = `whsec_${Buffer.alloc(32).toString('base64')}`
      const forged = await signed[source](body, { secret })
      const genuine = await signed[source](body)
      const answers = [
        await endpoint.post(source, body, forged),
        await endpoint.post(source, body.replace('a', 'b'), genuine),
      ]
      // GitHub signs no time.
      if (source !== 'github')
        answers.push(await endpoint.post(source, body, await signed[source](body, { atMs: Date.now() - 301_000 })))
      for (const { status } of answers) expect(status).toBe(401)
      expect((await endpoint.entries()).size).toBe(0)
      expect(await endpoint.post(source, body, genuine)).toMatchObject({ status: 202 })
    },
  )

  test('a body of exactly the largest size is taken, and so is what it becomes', async () => {
    const endpoint = new Endpoint()
    const text = (length: number) => event({ userId: 'user_1', text: 'x'.repeat(length) })
    const body = text(1_048_576 - text(0).length)
    expect(Buffer.byteLength(body)).toBe(1_048_576)
    expect(await endpoint.send(body)).toMatchObject({ status: 202 })
  })

  test('a source with a larger maxBodyBytes takes larger bodies, and every group handles what they become', async () => {
    const { toEvent } = sources.standard as Source
    // More than the entries of a source may hold that says nothing of its bodies.
    const standard = defineSource({ scheme: standardScheme, toEvent, maxBodyBytes: 8_000_000 })
    const endpoint = new Endpoint({}, { standard })
    const send = async (id: string, length: number) =>
      (await endpoint.send(event({ userId: 'user_1', text: 'x'.repeat(length) }), { id })).status
    expect(await send('above', 8_000_000)).toBe(413)
    expect(await send('below', 7_999_000)).toBe(202)
    const maxEventBytes = maxEventBytesOf(standard)
    const { handled } = consumeIn(endpoint.redisUrl, userEvents(endpoint.stream), { maxEventBytes })
    await handledByAll(handled, 1)
    for (const group of GROUPS) expect(handled.get(group)).toEqual(['standard:below'])
  })

  test('the tolerance is what WEBHOOK_TOLERANCE_MS says', async () => {
    const endpoint = new Endpoint({ WEBHOOK_TOLERANCE_MS: '3600000' })
    expect(await endpoint.send(event(), { atMs: Date.now() - 3_000_000 })).toMatchObject({ status: 202 })
    expect(await endpoint.send(event(), { atMs: Date.now() - 3_700_000 })).toMatchObject({ status: 401 })
  })

  test('with WEBHOOK_RATE_LIMIT: 429 with Retry-After beyond it, for each source apart', async () => {
    const endpoint = new Endpoint({ WEBHOOK_RATE_LIMIT: '5' })
    await endpoint.url
    const since = performance.now()
    const ping = signed.github('{}').then((headers) => endpoint.post('github', '{}', headers))
    const answers = await Promise.all(Array.from({ length: 60 }, () => endpoint.send()))
    const seconds = Math.ceil((performance.now() - since) / 1_000)
    const taken = answers.filter(({ status }) => status === 202)
    const refused = answers.filter(({ status }) => status === 429)
    expect(taken.length + refused.length).toBe(60)
    expect(taken.length).toBeGreaterThanOrEqual(5)
    expect(taken.length).toBeLessThanOrEqual(5 * (seconds + 1))
    expect(refused.length).toBeGreaterThan(0)
    for (const { headers } of refused) expect(Number(headers.get('retry-after'))).toBeGreaterThan(0)
    // In the same second.
    expect(await ping).toMatchObject({ status: 202 })
    expect((await endpoint.entries()).size).toBe(taken.length + 1)
  })

  test.each([
    ['10.0.0.0/8,loopback', '203.0.113.9'],
    ['10.0.0.0/8', '127.0.0.1'],
    ['', '127.0.0.1'],
  ])(
    'with TRUST_PROXY=%s, the log says that a request through two proxies came from %s',
    async (TRUST_PROXY, sender) => {
      const endpoint = new Endpoint({ TRUST_PROXY })
      await endpoint.post('standard', '{}', {
        'content-type': 'application/json',
        'x-forwarded-for': '203.0.113.9, 10.1.1.1',
      })
      expect((await endpoint.line(({ msg }) => msg === 'webhook refused')).ip).toBe(sender)
    },
  )
})

describe('nothing signed is refused for its content', () => {
  test('what the catalog does not fit is appended as it came, and becomes a dead letter of each group', async () => {
    const endpoint = new Endpoint()
    const tooDeep = `{"type":"user.deleted","data":${'['.repeat(1_001)}${']'.repeat(1_001)}}`
    const strange: [id: string, body: string, data: unknown][] = [
      ['unknown-type', event({ a: 1 }, 'never.heard.of'), { a: 1 }],
      ['unfit', event({ userId: 7 }), { userId: 7 }],
      ['proto', '{"type":"toString","data":{"__proto__":{"polluted":1}}}', JSON.parse('{"__proto__":{"polluted":1}}')],
      ['no-type', '{"data":{"userId":"user_1"}}', { userId: 'user_1' }],
      ['no-data', '{"type":"user.deleted"}', { type: 'user.deleted' }],
      ['array', '[1,2]', [1, 2]],
      ['null', 'null', null],
      ['number', '1e400', null],
      ['text', '"\\ud800 \ufffd"', '\ud800 \ufffd'],
      ['long-type', event({}, 'x'.repeat(300)), {}],
      ['too-deep', tooDeep, tooDeep],
    ]
    for (const [id, body] of strange) expect([id, (await endpoint.send(body, { id })).status]).toEqual([id, 202])
    const entries = [...(await endpoint.entries()).values()]
    expect(entries.map(({ id, data = '' }) => [id, JSON.parse(data)])).toEqual(
      strange.map(([id, , data]) => [`standard:${id}`, data]),
    )
    expect(entries.find(({ id }) => id === 'standard:no-type')?.type).toBe('standard.unknown')
    const told = endpoint.lines.filter(({ msg }) => msg?.startsWith('the catalog does not fit'))
    expect(told).toHaveLength(strange.length)

    // Both are there before one of them has acknowledged anything.
    for (const group of GROUPS) await endpoint.command('XGROUP', 'CREATE', endpoint.stream, group, '0')
    const { handled } = consumeIn(endpoint.redisUrl, userEvents(endpoint.stream))
    for (const group of GROUPS) {
      const letters = await endpoint.until('all are dead letters', async () => {
        const all = await endpoint.deadLetters(group)
        return all.length === strange.length && all
      })
      const expected = strange.map(([id]) => [`standard:${id}`, 'malformed'])
      expect(letters.map(({ eventId, reason }) => [eventId, reason]).sort()).toEqual(expected.sort())
    }
    expect([...handled.values()]).toEqual([[], []])
  })

  test('without an id that can be stored, the body is the id', async () => {
    const endpoint = new Endpoint()
    const body = '{"id":17,"type":"invoice.paid"}'
    const send = () => endpoint.post('stripe', body, signed.stripe(body))
    const first = await send()
    expect(first).toMatchObject({ status: 202, body: { id: expect.stringMatching(/^stripe:sha256-[0-9a-f]{64}$/) } })
    expect(await send()).toMatchObject({ status: 200, body: { entryId: first.body.entryId } })
    expect(await endpoint.send(event(), { id: 'x'.repeat(300) })).toMatchObject({ status: 202 })
  })

  test('what nests deeper than 1,000 levels is appended as a text, which is no publish that failed', async () => {
    const endpoint = new Endpoint()
    const bodies = [1_000, 1_001, 4_100, 100_000].map((levels) => `${'['.repeat(levels)}${']'.repeat(levels)}`)
    for (const body of bodies)
      expect(await endpoint.post('github', body, await signed.github(body))).toMatchObject({ status: 202 })
    const [flat, ...deep] = [...(await endpoint.entries()).values()].map(({ data }) => data as string)
    expect(flat).toBe(bodies[0])
    expect(deep.map((data) => JSON.parse(data))).toEqual(bodies.slice(1))
    const scrape = await Scrape.of(await endpoint.opsPort())
    const counted = scrape.all('streams_published_total').filter(({ value }) => value > 0)
    expect(counted).toMatchObject([{ labels: { result: 'appended' }, value: 4 }])
  })

  test('what its source makes something of that cannot be stored is appended as it came, which is no publish that failed', async () => {
    const standard = defineSource({
      scheme: standardScheme,
      toEvent: (headers) => ({ id: String(headers['webhook-id']), subject: 's', foreignType: 'own.type', data: 1n }),
    })
    const endpoint = new Endpoint({}, { standard })
    const body = event({ userId: 'user_1' })
    // The same body under two ids: two events.
    for (const id of ['w1', 'w2']) expect(await endpoint.send(body, { id })).toMatchObject({ status: 202 })
    expect(await endpoint.send(body, { id: 'w1' })).toMatchObject({ status: 200 })
    expect(endpoint.lines.map(({ msg }) => msg)).toContain('webhook not understood, appended as it came')
    const kept = { type: 'standard.unknown', subject: 's', data: JSON.stringify(JSON.parse(body)) }
    expect([...(await endpoint.entries()).values()]).toMatchObject([
      { id: 'standard:w1', ...kept },
      { id: 'standard:w2', ...kept },
    ])
    const scrape = await Scrape.of(await endpoint.opsPort())
    expect(scrape.all('streams_published_total').filter(({ value }) => value > 0)).toMatchObject([
      { labels: { result: 'appended' }, value: 2 },
      { labels: { result: 'duplicate' }, value: 1 },
    ])
    expect(scrape.sum('webhook_unfit_total', { source: 'standard' })).toBe(3)
  })

  test('what cannot be stored even as it came is answered 500, and counted', async () => {
    const { send, rejected } = await serveNarrowly(inject('redisUrl'), { maxEventBytes: 1_024 })
    expect((await send(event({ text: 'x'.repeat(2_000) }), 'large')).status).toBe(500)
    expect(rejected).toEqual([['standard', 'broken']])
    expect((await send(event(), 'small')).status).toBe(202)
  })

  test('what grows when it is written again is appended all the same', async () => {
    const endpoint = new Endpoint()
    const growing = `[${'1e20,'.repeat(200_000)}1e20]`
    expect(await endpoint.post('github', growing, await signed.github(growing))).toMatchObject({ status: 202 })
  })
})

describe('while Redis cannot take it: 503 with Retry-After, and the repetition is appended once', () => {
  const refused = async (endpoint: Endpoint, id: string) => {
    const answer = await endpoint.send(event(), { id })
    expect(answer.status).toBe(503)
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
  }

  test('the stream is full', async () => {
    const endpoint = new Endpoint({ MAX_LENGTH: '1' })
    expect(await endpoint.send(event(), { id: 'first' })).toMatchObject({ status: 202 })
    await refused(endpoint, 'second')
    // A duplicate needs no room.
    expect(await endpoint.send(event(), { id: 'first' })).toMatchObject({ status: 200 })
    await endpoint.command('XTRIM', endpoint.stream, 'MAXLEN', '0')
    expect(await endpoint.send(event(), { id: 'second' })).toMatchObject({ status: 202 })
  })

  test('as many events wait as may wait', async () => {
    const redis = await ownRedis()
    const { send } = await serveNarrowly(redis.url, { maxBuffered: 1 })
    await redis.freeze()
    // One is on its way to Redis, one waits, and there is no room for a third.
    const all = ['a', 'b', 'c'].map(async (id) => ({ id, answer: await send(event(), id) }))
    const { id, answer } = await Promise.race(all)
    expect(answer.status).toBe(503)
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
    await redis.thaw()
    // The others have not waited for so long that they would have been given up.
    expect((await Promise.all(all)).map(({ answer }) => answer.status)).toContain(202)
    expect((await send(event(), id)).status).toBe(202)
  })

  test('Redis was killed, and is back', async () => {
    const redis = await ownRedis()
    const endpoint = new Endpoint({ REDIS_URL: redis.url, PUBLISH_TIMEOUT_MS: '300' })
    expect(await endpoint.send(event(), { id: 'before' })).toMatchObject({ status: 202 })
    await redis.kill()
    await refused(endpoint, 'meanwhile')
    await redis.start()
    await endpoint.until('it is taken', async () => (await endpoint.send(event(), { id: 'meanwhile' })).status < 300)
    const ids = [...(await endpoint.entries()).values()].map(({ id }) => id)
    expect(ids.filter((id) => id === 'standard:meanwhile')).toHaveLength(1)
  })

  test('Redis hangs, or its disk does: the answer comes before a sender gives up, and nothing is appended twice', async () => {
    const redis = await ownRedis()
    const endpoint = new Endpoint({ REDIS_URL: redis.url, PUBLISH_TIMEOUT_MS: '60000' })
    // This one writes to its disk whenever the operating system likes.
    const lazy = await ownRedis(['--appendfsync', 'no'])
    const env = { REDIS_URL: lazy.url, PUBLISH_TIMEOUT_MS: '60000' }
    const [canWait] = await sendOnce<unknown[]>(lazy.url, ['COMMAND', 'INFO', 'WAITAOF'])
    const slow = canWait === null ? [] : [new Endpoint({ ...env, DURABILITY: 'fsync' })]
    await endpoint.send()
    await Promise.all(slow.map((one) => one.line(({ msg }) => msg === 'connected to Redis')))
    await redis.freeze()
    const timed = async (one: Endpoint) => {
      const since = performance.now()
      await refused(one, 'hung')
      return performance.now() - since
    }
    // That is what is promised; GitHub waits for ten.
    for (const ms of await Promise.all([endpoint, ...slow].map(timed))) expect(ms).toBeLessThan(8_000)
    await redis.thaw()
    await endpoint.until('it is taken', async () => (await endpoint.send(event(), { id: 'hung' })).status < 300)
    expect([...(await endpoint.entries()).values()].filter(({ id }) => id === 'standard:hung')).toHaveLength(1)
  })

  test('Redis is not there yet when the service starts', async () => {
    const redis = await ownRedis()
    await redis.kill()
    const endpoint = new Endpoint({ REDIS_URL: redis.url, PUBLISH_TIMEOUT_MS: '300' })
    await refused(endpoint, 'early')
    await redis.start()
    await endpoint.until('it is taken', async () => (await endpoint.send(event(), { id: 'early' })).status < 300)
  })
})

describe('secrets', () => {
  test.each(Object.keys(bodies) as SourceName[])(
    'several of %s, from the environment and from a file: each of them may sign',
    async (source) => {
      const folder = temporaryFolder()
      const secrets = ['one', 'two', 'three', 'four'].map(
        (name) => `whsec_${Buffer.from(name.padEnd(32)).toString('base64')}`,
      )
      writeFileSync(join(folder, 'secrets'), `${secrets[2]}\n${secrets[3]}\n`)
      const setting = `WEBHOOK_${source.toUpperCase()}_SECRET`
      const endpoint = new Endpoint({
        [setting]: `${secrets[0]} ${secrets[1]}`,
        [`${setting}_FILE`]: join(folder, 'secrets'),
      })
      const body = bodies[source]
      const send = async (secret: string) =>
        (await endpoint.post(source, body, await signed[source](body, { id: 'd1', secret }))).status
      const [first = '', ...others] = secrets
      expect(await send(first)).toBe(202)
      for (const secret of others) expect(await send(secret)).toBe(200)
      expect(await send(SECRETS[source])).toBe(401)
    },
  )
})

describe('the simulator is a sender like any other', () => {
  test('it signs, sends duplicates, and while Redis is away it repeats with the same id', async () => {
    const redis = await ownRedis()
    const folder = temporaryFolder()
    const env = { SIMULATE: 'on', INTERVAL_MS: '5', PUBLISH_TIMEOUT_MS: '300', LEDGER_DIR: folder }
    const endpoint = new Endpoint({ REDIS_URL: redis.url, ...env })
    const published = () => readLedger(folder).filter((line) => line.what === 'published')
    await endpoint.until('a duplicate is sent', () => published().some(({ duplicate }) => duplicate))
    await redis.kill()
    await endpoint.line(({ msg }) => msg === 'not published')
    await redis.start()
    const soFar = published().length
    await endpoint.until('it goes on', () => published().length > soFar + 25)
    endpoint.stop()
    await endpoint.done

    const ledger = readLedger(folder)
    const taken = new Set(published().map(({ id }) => id))
    const refused = ledger.flatMap((line) => (line.what === 'refused' ? [line.id] : []))
    expect(refused.length).toBeGreaterThan(0)
    expect(refused.filter((id) => !taken.has(id))).toEqual([])
    const entries = [...(await endpoint.entries()).values()].map(({ id }) => id)
    expect(new Set(entries).size).toBe(entries.length)
    for (const id of taken) expect(id).toMatch(/^simulator:/)
  })

  test('its source is served to nobody else', async () => {
    const endpoint = new Endpoint({ SIMULATE: 'on' })
    const body = event()
    expect(await endpoint.post('simulator', body, signed.standard(body))).toMatchObject({ status: 401 })
  })

  test('with SIMULATE=off there is none', async () => {
    const endpoint = new Endpoint()
    const body = event()
    expect(await endpoint.post('simulator', body, signed.standard(body))).toMatchObject({ status: 404 })
  })
})

describe('SIGTERM', () => {
  test('what was accepted is answered, idle connections are closed, and nothing more is taken', async () => {
    const redis = await ownRedis()
    const ledger = temporaryFolder()
    const endpoint = new Endpoint({ REDIS_URL: redis.url, LEDGER_DIR: ledger })
    await endpoint.send()
    const port = await endpoint.port()
    const idle = connect(port, '127.0.0.1')
    await once(idle, 'connect')
    // It has made a request, and stays open for the next one.
    idle.write(`GET / HTTP/1.1\r\nHost: x\r\n\r\n`)
    await once(idle, 'data')
    const idleIsClosed = once(idle.resume(), 'close')

    await redis.freeze()
    const pending = endpoint.send(event(), { id: 'accepted' })
    const isTried = () =>
      readLedger(ledger).some((line) => line.what === 'attempted' && line.id === 'standard:accepted')
    await endpoint.until('it is accepted', isTried)
    endpoint.stop()
    await endpoint.line(({ msg }) => msg === 'not ready')
    await endpoint.until('the port is closed', () => isClosed(port))
    await redis.thaw()

    const answer = await pending
    expect(answer).toMatchObject({ status: 202 })
    expect(answer.headers.get('connection')).toBe('close')
    await idleIsClosed
    await endpoint.done
    expect([...(await endpoint.entries()).values()].map(({ id }) => id)).toContain('standard:accepted')
  })

  test('with HTTP_DRAIN_DELAY_MS, requests are taken for so long after readiness was turned off', async () => {
    const endpoint = new Endpoint({ HTTP_DRAIN_DELAY_MS: '1500' })
    await endpoint.send()
    endpoint.stop()
    await endpoint.line(({ msg }) => msg === 'not ready')
    expect(await endpoint.send()).toMatchObject({ status: 202 })
    await endpoint.done
  })
})

function isClosed(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  return new Promise((resolve) => {
    socket.once('connect', () => {
      socket.destroy()
      resolve(false)
    })
    socket.once('error', () => resolve(true))
  })
}
