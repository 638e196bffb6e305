import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { catalog } from '@redis-streams-processor/events'
import { LEDGER_FAILED } from '@redis-streams-processor/service-kit'
import { inspectStream } from '@redis-streams-processor/streams-core'
import { brokenStdouts, until, Worker, type WorkerOptions } from '@redis-streams-processor/testbed'
import { describe, expect, inject, onTestFinished, test } from 'vitest'
import { makeBurstWebhook, makeWebhook } from '../src/simulator.ts'

const stream = () => `service_${randomUUID().slice(0, 8)}`

function start(env: Record<string, string>, options?: WorkerOptions): Worker {
  const worker = new Worker(
    'producer',
    { REDIS_URL: inject('redisUrl'), STREAM: stream(), HTTP_PORT: '0', ...env },
    options,
  )
  onTestFinished(async () => {
    worker.kill('SIGKILL')
    await worker.exited()
  })
  return worker
}

describe('a burst', () => {
  test('publishes as many as asked for, says so, and exits with 0', async () => {
    const name = stream()
    const worker = start({ STREAM: name, BURST: '1000', DUPLICATES: '3' })
    expect(await worker.exited()).toBe(0)
    expect(worker.lines.at(-1)).toMatchObject({
      msg: 'burst published',
      published: 1000,
      duplicates: 3,
      rejected: 0,
      eventsPerSecond: expect.any(Number),
    })
    expect((await inspectStream({ name }, { redis: inject('redisUrl') })).length).toBe(1000)
  })

  test('that Redis does not take is counted as rejected', async () => {
    const worker = start({ BURST: '20', MAX_LENGTH: '5' })
    expect(await worker.exited()).toBe(0)
    expect(worker.lines.at(-1)).toMatchObject({ published: 5, rejected: 15 })
  })
})

describe('a ledger that fails changes no answer', () => {
  test.each<[string, string, WorkerOptions]>([
    ['cannot be opened', 'a-file', {}],
    ['meets a full disk', '', { maxFileBlocks: 8 }],
  ])('one that %s: every event is published, and standard error tells it once', async (_, path, options) => {
    const folder = mkdtempSync(join(tmpdir(), 'redis-streams-test-'))
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    writeFileSync(join(folder, 'a-file'), '')
    const env = { BURST: '200', LEDGER_DIR: join(folder, path) }
    const worker = start(env, options)
    expect(await worker.closed()).toBe(0)
    expect(worker.lines).toContainEqual(
      expect.objectContaining({ msg: 'burst published', published: 200, rejected: 0 }),
    )
    expect(worker.lines.filter(({ msg }) => msg?.startsWith(LEDGER_FAILED))).toHaveLength(1)
  })
})

describe('the trickle', () => {
  test('publishes for ever, and SIGTERM ends it with 0', async () => {
    const worker = start({ INTERVAL_MS: '10' })
    await worker.waitFor(({ msg, subject }) => msg === 'published' && subject === 'user_1003')
    expect(await worker.stop()).toBe(0)
  })
})

describe('a log that cannot be written stops nothing', () => {
  test.each(brokenStdouts)(
    '%s: events are published, SIGTERM ends it with 0, and standard error tells it once',
    async (_, stdout, lost) => {
      const name = stream()
      const worker = start({ STREAM: name, INTERVAL_MS: '1' }, { stdout })
      // More lines than the buffer of a pipe holds.
      const isPublished = async () => (await inspectStream({ name }, { redis: inject('redisUrl') })).length > 1_000
      await until('1,000 events are published', isPublished, { timeoutMs: 30_000 })
      worker.kill('SIGTERM')
      await worker.waitFor(({ msg }) => msg === lost)
      expect(await worker.exited()).toBe(0)
      expect(worker.lines).toHaveLength(1)
    },
  )
})

test('a wrong setting ends it with 1', async () => {
  const worker = start({ BURST: 'many' })
  expect(await worker.exited()).toBe(1)
  expect(worker.lines.map(({ msg }) => msg)).toContain('BURST: expected a whole number from 1 to 100000000, got "many"')
})

test('settings that are wrong are told in one go, each in a line of its own', async () => {
  const worker = start({
    ...{ BURST: 'many', WEBHOOK_STANDARD_SECRET: 'my dog', WEBHOOK_STRIPE_SECRET_FILE: '/dev/null' },
    WEBHOOK_GITHUB_SECRET_FILE: '/nowhere',
  })
  expect(await worker.closed()).toBe(1)
  const names = worker.lines.flatMap(({ msg }) => /^([A-Z_]+): expected/.exec(msg ?? '')?.[1] ?? [])
  expect(names.sort()).toEqual([
    ...['BURST', 'WEBHOOK_GITHUB_SECRET_FILE', 'WEBHOOK_STANDARD_SECRET', 'WEBHOOK_STRIPE_SECRET_FILE'],
  ])
})

test.each<[object, string]>([
  [
    { WEBHOOK_STANDARD_SECRET: 'my dog' },
    'WEBHOOK_STANDARD_SECRET: expected whsec_ and at least 24 bytes in base64, got something else (not shown)',
  ],
  [
    { WEBHOOK_GITHUB_SECRET_FILE: '/nowhere' },
    'WEBHOOK_GITHUB_SECRET_FILE: expected a file that can be read, got ENOENT: no such file or directory',
  ],
  ...['yes', '10.0.0.1,0.0.0.0/0', '::/0', 'fe80::1%a-b'].map((proxies): [object, string] => [
    { TRUST_PROXY: proxies },
    `TRUST_PROXY: expected addresses or networks with commas between them, e.g. 10.0.0.0/8,loopback, got "${proxies}"`,
  ]),
])('%o ends the process with 1', async (env, message) => {
  const worker = start(env as Record<string, string>)
  expect(await worker.closed()).toBe(1)
  expect(worker.lines.map(({ msg }) => msg)).toContain(message)
  expect(JSON.stringify(worker.lines)).not.toContain('my dog')
})

test('a port that is taken ends the process with 1', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  const worker = start({ HTTP_HOST: '127.0.0.1', HTTP_PORT: String(port) })
  expect(await worker.closed()).toBe(1)
  expect(worker.lines.map(({ msg }) => msg).join()).toContain(`EADDRINUSE: address already in use 127.0.0.1:${port}`)
})

describe('the simulator', () => {
  test('makes every type, for users user_1001 … in turn, as the catalog wants it', () => {
    const webhooks = Array.from({ length: 60 }, (_, n) => makeWebhook(n, 10))
    for (const { type, data } of webhooks) expect(catalog[type].safeParse(data).success).toBe(true)
    expect(new Set(webhooks.map(({ type }) => type))).toEqual(new Set(Object.keys(catalog)))
    expect(new Set(webhooks.map(({ subject }) => subject)).size).toBe(10)
    expect(webhooks[0]?.subject).toBe('user_1001')
    expect(new Set(webhooks.map(({ id }) => id)).size).toBe(60)
  })

  test('makes exactly as many failing events as asked for', () => {
    const webhooks = Array.from({ length: 100 }, (_, n) => makeBurstWebhook(n, 10, 2))
    expect(webhooks.filter(({ subject }) => subject === 'user_1003')).toHaveLength(2)
  })
})
