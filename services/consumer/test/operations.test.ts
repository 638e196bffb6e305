import { spawnSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { samples, userEvents } from '@redis-streams-processor/events'
import { createProducer, inspectStream, openControls } from '@redis-streams-processor/streams-core'
import { GroupView, RedisServer, Scrape, sendOnce, until, Worker } from '@redis-streams-processor/testbed'
import { describe, expect, inject, onTestFinished, test } from 'vitest'

const SLOW_HANDLERS = fileURLToPath(new URL('support/slow-handlers.ts', import.meta.url))
const COMPOSE = readFileSync(new URL('../../../docker-compose.yml', import.meta.url), 'utf8')
const GROUP = 'user_group'
const newStream = () => `service_${randomUUID().slice(0, 8)}`

function start(service: 'consumer' | 'producer', env: Record<string, string>): Worker {
  const worker = new Worker(service, { REDIS_URL: inject('redisUrl'), STREAM: newStream(), HTTP_PORT: '0', ...env })
  onTestFinished(async () => {
    worker.kill('SIGKILL')
    await worker.exited()
  })
  return worker
}

const soon = <T>(what: string, look: () => T | Promise<T>) => until(what, look, { timeoutMs: 40_000 })
const isReady = ({ msg }: { msg?: string }) => msg === 'ready'

async function get(port: number, path: string, method = 'GET') {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, { method })
  return { status: response.status, body: await response.text() }
}

describe('the door for operations', () => {
  test.each(['consumer', 'producer'] as const)('of a %s: alive, ready, metrics, and nothing else', async (service) => {
    const worker = start(service, { INTERVAL_MS: '10' })
    const port = await worker.opsPort()
    expect(await get(port, '/livez')).toEqual({ status: 200, body: 'alive\n' })
    await soon('it is ready', async () => (await get(port, '/readyz')).status === 200)
    expect(await get(port, '/readyz')).toEqual({ status: 200, body: '{"ready":true}\n' })
    await soon('the metrics say so', async () => (await Scrape.of(port)).sum('streams_ready') === 1)
    expect((await Scrape.of(port)).sum('nodejs_eventloop_lag_seconds')).toBeDefined()
    expect(await get(port, '/')).toMatchObject({ status: 404 })
    expect(await get(port, '/constructor')).toMatchObject({ status: 404 })
    expect(await get(port, '/livez', 'POST')).toMatchObject({ status: 405 })
    expect(await get(port, '/livez', 'HEAD')).toEqual({ status: 200, body: '' })
    expect(await worker.stop()).toBe(0)
  })

  test.each(['consumer', 'producer'] as const)('of a %s: without Redis it lives, and is not ready', async (service) => {
    const redis = await RedisServer.start()
    onTestFinished(() => redis.stop())
    const worker = start(service, { REDIS_URL: redis.url, BLOCK_MS: '100', INTERVAL_MS: '100' })
    const port = await worker.opsPort()
    await soon('it is ready', async () => (await get(port, '/readyz')).status === 200)
    await redis.kill()
    await soon('it is not ready', async () => (await get(port, '/readyz')).status === 503)
    const { body } = await get(port, '/readyz')
    expect(JSON.parse(body)).toEqual({
      ready: false,
      reason: expect.stringMatching(/^(no connection to Redis|Redis has not answered|no read has completed)/),
    })
    expect(await get(port, '/livez')).toMatchObject({ status: 200 })
    await soon('the metrics say so', async () => (await Scrape.of(port)).sum('streams_ready') === 0)
    await redis.start()
    await soon('it is ready again', async () => (await get(port, '/readyz')).status === 200)
    await soon('the metrics say so', async () => (await Scrape.of(port)).sum('streams_ready') === 1)
    expect((await Scrape.of(port)).sum('streams_redis_reconnects_total')).toBe(service === 'consumer' ? 2 : 1)
  })

  test('a handler that does not end makes every consumer of the group unready, and none unalive', async () => {
    const env = { STREAM: newStream(), HANDLERS: SLOW_HANDLERS, STALLED_AFTER_MS: '1000', DRAIN_TIMEOUT_MS: '500' }
    const consumers = [start('consumer', env), start('consumer', env)]
    await Promise.all(consumers.map((consumer) => consumer.waitFor(isReady)))
    const producer = createProducer(userEvents(env.STREAM), { redis: inject('redisUrl') })
    onTestFinished(() => producer.close())
    const data = { userId: 'user_1', email: 'a@example.com', plan: 'free' } as const
    const { entryId } = await producer.publish('user.registered', data)
    for (const consumer of consumers) {
      const port = await consumer.opsPort()
      await soon('it is not ready', async () => (await get(port, '/readyz')).status === 503)
      expect((await get(port, '/readyz')).body).toContain(`the oldest unhandled entry, ${entryId}, has not moved for`)
      expect(await get(port, '/livez')).toMatchObject({ status: 200 })
      expect(consumer.isRunning).toBe(true)
    }
  })

  test('a port that another process has: a free one is used, and the log says so', async () => {
    const first = start('consumer', {})
    const port = await first.opsPort()
    const second = start('consumer', { OPS_PORT: String(port) })
    await second.waitFor(({ msg }) => msg?.startsWith('OPS_PORT is taken by another process') === true)
    const otherPort = await second.opsPort()
    expect(otherPort).not.toBe(port)
    for (const one of [port, otherPort]) expect(await get(one, '/livez')).toMatchObject({ status: 200 })
    expect(await second.stop()).toBe(0)
  })

  test('an address that is not of this machine ends the process with 1', async () => {
    const worker = start('consumer', { OPS_HOST: '192.0.2.1' })
    expect(await worker.closed()).toBe(1)
    expect(worker.lines.map(({ msg }) => msg).join('\n')).toContain(
      'OPS_PORT, OPS_HOST: expected a port to listen on, got 192.0.2.1:0 (EADDRNOTAVAIL)',
    )
  })

  test("Compose's health check says whether the service lives", async () => {
    const [, code = ''] = /- node\n +- -e\n +- "(.*)"\n/.exec(COMPOSE) ?? []
    expect(code).toContain('9464')
    const worker = start('producer', {})
    const port = await worker.opsPort()
    const check = () => spawnSync(process.execPath, ['-e', code.replace('9464', String(port))]).status
    expect(check()).toBe(0)
    await worker.stop()
    expect(check()).toBe(1)
  })
})

test('docs/operations.md names every metric with its labels', async () => {
  const page = readFileSync(new URL('../../../docs/operations.md', import.meta.url), 'utf8')
  const rows = [...page.matchAll(/^\| `((?:streams|webhook)_\w+)` \|([^|]*)\|/gm)]
  const labelsOf = (text: string) => [...text.matchAll(/`(\w+)`/g)].map(([, label]) => label).sort()
  const documented = rows.map(([, name, labels = '']) => [name, labelsOf(labels)])
  const env = { STREAM: newStream(), MAX_LENGTH: '1000' }
  const workers = [start('producer', env), start('consumer', env)]
  await workers[1]?.waitFor(isReady)
  const exported = new Map<string, string[]>()
  for (const worker of workers) {
    for (const { name, labels } of (await Scrape.of(await worker.opsPort())).series) {
      const family = name.replace(/_(bucket|sum|count)$/, '')
      const own = Object.keys(labels).filter((label) => label !== 'le')
      if (/^(streams|webhook)_/.test(name)) exported.set(family, own.sort())
    }
  }
  expect(documented.sort()).toEqual([...exported].sort())
})

describe('the figures of groups', () => {
  test('are what inspectStream and XINFO say, and left out while Redis is away', async () => {
    const redis = await RedisServer.start()
    onTestFinished(() => redis.stop())
    const STREAM = newStream()
    const env = { REDIS_URL: redis.url, STREAM, INTERVAL_MS: '1', MAX_LENGTH: '50', HANDLERS: SLOW_HANDLERS }
    const producer = start('producer', env)
    const consumer = start('consumer', { ...env, GROUP, CONCURRENCY: '4', MAX_BUFFERED: '1' })
    await consumer.waitFor(isReady)
    // Once 4 handlers hang and the stream is full, nothing changes any more.
    await producer.waitFor(({ msg }) => msg === 'not published')
    const state = () => inspectStream({ name: STREAM }, { redis: redis.url })
    await soon('nothing more is handled', async () => (await state()).groups[0]?.pending === 5)
    const port = await producer.opsPort()
    const scrape = await soon('a scrape shows it', async () => {
      const newest = await Scrape.of(port)
      return newest.sum('streams_group_pending', { group: GROUP }) === 5 && newest
    })
    const { length, groups } = await state()
    const [group] = groups
    expect(groups).toHaveLength(1)
    expect(scrape.sum('streams_group_lag', { group: GROUP })).toBe(group?.lag)
    expect(scrape.sum('streams_group_waiting_for_retry', { group: GROUP })).toBe(0)
    expect(scrape.sum('streams_group_dead_letters', { group: GROUP })).toBe(group?.deadLetters)
    expect(scrape.sum('streams_group_dropped_unread_total', { group: GROUP })).toBe(0)
    expect(scrape.sum('streams_group_oldest_unhandled_seconds')).toBeLessThanOrEqual(
      (group?.oldestUnhandledMs ?? 0) / 1_000,
    )
    expect(scrape.sum('streams_stream_length', { stream: STREAM })).toBe(length)
    expect(scrape.sum('streams_stream_cap', { stream: STREAM })).toBe(50)
    const view = await new GroupView((...command) => sendOnce(redis.url, command), STREAM, GROUP).consumers()
    expect([...view.values()].reduce((sum, { pending }) => sum + pending, 0)).toBe(5)
    // Only the producer has them.
    expect((await Scrape.of(await consumer.opsPort())).all('streams_group_lag')).toEqual([])

    await redis.kill()
    await soon('the figures are left out', async () => {
      const newest = await Scrape.of(port)
      return newest.all('streams_group_lag').length + newest.all('streams_stream_length').length === 0
    })
    await producer.waitFor(({ msg }) => msg === 'no figures of groups in the metrics')
    await redis.start()
    await soon('the figures are back', async () => (await Scrape.of(port)).all('streams_group_lag').length === 1)
  })

  test('have what is set aside while its event type is paused, which XPENDING counts as well', async () => {
    const [redis, STREAM] = [inject('redisUrl'), newStream()]
    const controls = openControls({ name: STREAM }, { redis, group: GROUP })
    const publisher = createProducer(userEvents(STREAM), { redis })
    onTestFinished(async () => {
      await Promise.all([controls.close(), publisher.close()])
    })
    await sendOnce(redis, ['XGROUP', 'CREATE', STREAM, GROUP, '0', 'MKSTREAM'])
    await controls.pause({ eventType: 'payment.failed' })
    start('consumer', { STREAM, GROUP })
    for (const n of [1, 2, 3]) await publisher.publish('payment.failed', samples['payment.failed']('user_1', n))
    await publisher.publish('user.deleted', samples['user.deleted']('user_1', 4))
    const port = await start('producer', { STREAM, SIMULATE: 'off' }).opsPort()
    // The fourth event is handled, and three are counted once.
    await soon('a scrape shows them', async () => {
      const scrape = await Scrape.of(port)
      const figures = ['set_aside', 'lag', 'pending', 'waiting_for_retry']
      return figures.map((name) => scrape.sum(`streams_group_${name}`, { group: GROUP })).join() === '3,0,0,0'
    })
    expect(await sendOnce(redis, ['XPENDING', STREAM, GROUP])).toMatchObject({ 0: 3 })
    await controls.resume({ eventType: 'payment.failed' })
    await soon('none is left', async () => (await Scrape.of(port)).sum('streams_group_set_aside') === 0)
  })

  test('cost Redis one script a second at most, which does as much for a long stream as for a short one', async () => {
    const redis = await RedisServer.start()
    onTestFinished(() => redis.stop())
    const STREAM = newStream()
    const port = await start('producer', { REDIS_URL: redis.url, STREAM, SIMULATE: 'off' }).opsPort()
    const send = (...command: string[]) => sendOnce<string>(redis.url, command)
    await send('XGROUP', 'CREATE', STREAM, GROUP, '0', 'MKSTREAM')
    const append = async (count: number) => {
      const script = "for i = 1, ARGV[1] do redis.call('XADD', KEYS[1], '*', 'n', i) end"
      await send('EVAL', script, '1', STREAM, String(count))
    }
    /** How often Redis has run each command, those inside scripts included. */
    const commands = async () => {
      const counts = [...(await send('INFO', 'commandstats')).matchAll(/cmdstat_([\w|]+):calls=(\d+)/g)]
      // Without those of this test's own connections.
      const others = counts.filter(([, name = '']) => !/^(config|info|hello|client)/.test(name))
      return Object.fromEntries(others.map(([, name, calls]) => [name, Number(calls)]))
    }
    /** The commands of one look. What a scrape shows may be a second old, so that the first ones may need none. */
    const look = async () => {
      await send('CONFIG', 'RESETSTAT')
      return soon('a scrape looks', async () => {
        await Scrape.of(port)
        const counts = await commands()
        return counts.evalsha !== undefined && counts
      })
    }
    await soon('there are figures', async () => (await Scrape.of(port)).all('streams_group_lag').length === 1)
    await append(10)
    const short = await look()
    expect(short.evalsha).toBe(1)
    const since = performance.now()
    await Promise.all(Array.from({ length: 20 }, () => Scrape.of(port)))
    const seconds = (performance.now() - since) / 1_000
    expect((await commands()).evalsha).toBeLessThanOrEqual(1 + Math.ceil(seconds))

    await append(10_000)
    expect(await look()).toEqual(short)
  })
})
