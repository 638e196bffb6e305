import { randomUUID } from 'node:crypto'
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { maxEventBytes, userEvents } from '@redis-streams-processor/events'
import { LEDGER_FAILED } from '@redis-streams-processor/service-kit'
import { createProducer, inspectStream } from '@redis-streams-processor/streams-core'
import { brokenStdouts, RedisServer, until, Worker, type WorkerOptions } from '@redis-streams-processor/testbed'
import { describe, expect, inject, onTestFinished, test } from 'vitest'

const NO_HANDLERS = fileURLToPath(new URL('support/no-handlers.ts', import.meta.url))
const stream = () => `service_${randomUUID().slice(0, 8)}`

function start(env: Record<string, string>, options?: WorkerOptions): Worker {
  const worker = new Worker('consumer', { REDIS_URL: inject('redisUrl'), STREAM: stream(), ...env }, options)
  onTestFinished(async () => {
    worker.kill('SIGKILL')
    await worker.exited()
  })
  return worker
}

function temporaryFolder(): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'redis-streams-test-')))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

describe('a wrong setting ends the process at once, with one readable message', () => {
  test.each<[Record<string, string>, string]>([
    [{ WORK_MS: 'soon' }, 'WORK_MS: expected a whole number from 0 to 3600000, got "soon"'],
    [{ LEASE_MS: '1' }, 'LEASE_MS: expected a whole number from 500 to 43200000, got "1"'],
    [{ LOG_LEVEL: 'loud' }, 'LOG_LEVEL: expected one of trace, debug, info, warn, error, silent, got "loud"'],
    [{ GROUP: 'a b' }, 'GROUP: expected 1 to 128 letters, digits, "_", "-" or ".", got "a b"'],
    [{ RETENTION: 'none' }, 'RETENTION: expected one of acknowledged, maxlen, got "none"'],
    [{ RETENTION_GROUPS: 'a, b' }, 'RETENTION_GROUPS: expected group names with commas between them'],
    [{ RETENTION: 'maxlen', KEEP_FOR_MS: '1' }, 'KEEP_FOR_MS: expected nothing with RETENTION=maxlen, got "1"'],
    [
      { RETENTION: 'maxlen', RETENTION_GROUPS: 'a,b' },
      'RETENTION_GROUPS: expected nothing with RETENTION=maxlen, got "a,b"',
    ],
    [{ GROUP: 'dedupe' }, 'GROUP: expected not one of dedupe, marks, dropped, lock, got "dedupe"'],
    [{ RETRY_BASE_MS: '10', RETRY_MAX_MS: '5' }, 'RETRY_BASE_MS: expected at most RETRY_MAX_MS, got "10"'],
    [{ HANDLERS: NO_HANDLERS }, 'HANDLERS: expected a handler for user.registered, got none from'],
    [{ HANDLERS: '/nowhere.ts' }, 'HANDLERS: expected a module that can be loaded, got /nowhere.ts'],
    [{ IDEMPOTENCY_TTL_MS: '500' }, 'IDEMPOTENCY_TTL_MS: expected 0, or at least 1000, got "500"'],
  ])('%o', async (env, message) => {
    const worker = start(env)
    expect(await worker.exited()).toBe(1)
    const text = worker.lines.map(({ msg }) => msg).join('\n')
    expect(text).toContain(message)
    expect(text).not.toContain('    at ')
  })

  test('a REDIS_URL that is no URL is not shown, as it may hold a password', async () => {
    const worker = start({ REDIS_URL: 'redis://admin:s3cret@host:99999' })
    expect(await worker.exited()).toBe(1)
    const text = JSON.stringify(worker.lines)
    expect(text).toContain('REDIS_URL: expected a URL such as')
    expect(text).not.toContain('s3cret')
  })
})

test('an event as large as the largest source of webhooks can make is handled', async () => {
  const name = stream()
  const redis = inject('redisUrl')
  const consumer = start({ STREAM: name, WORK_MS: '0' })
  await consumer.waitFor(({ msg }) => msg === 'consumer started')
  const producer = createProducer(userEvents(name), { redis, maxEventBytes })
  onTestFinished(() => producer.close())
  const data = { userId: 'user_1', text: 'x'.repeat(maxEventBytes - 1_000) }
  await producer.publishUnchecked('user.deleted', data)
  await consumer.waitFor(({ msg }) => msg === 'acknowledged')
})

test('settings are read from .env, and a misspelt one is told', async () => {
  const cwd = temporaryFolder()
  writeFileSync(join(cwd, '.env'), 'GROUP=from_file\nCONCURENCY=8\n')
  const worker = start({ GROUP: '' }, { cwd })
  expect(await worker.waitFor(({ msg }) => msg === 'consumer started')).toMatchObject({ group: 'from_file' })
  const told = worker.lines.flatMap(({ msg = '' }) => (msg.includes('.env') ? [msg] : []))
  expect(told).toEqual([
    `settings are read from ${cwd}/.env`,
    `${cwd}/.env: CONCURENCY is not a setting; did you mean CONCURRENCY?`,
  ])
})

test('a .env that cannot be read ends the process with 1', async () => {
  const cwd = temporaryFolder()
  mkdirSync(join(cwd, '.env'))
  const worker = start({}, { cwd })
  expect(await worker.closed()).toBe(1)
  expect(worker.lines.map(({ msg }) => msg)).toEqual([
    'Wrong settings:',
    `${cwd}/.env: expected a file that can be read, got a folder`,
  ])
})

describe('Redis says no', () => {
  test('a wrong password: one clear error, exit code 1, and no password in any line', async () => {
    const redis = await RedisServer.start(['--requirepass', 'right'])
    onTestFinished(() => redis.stop())
    const worker = start({ REDIS_URL: `redis://:s3cret@127.0.0.1:${redis.port}`, LOG_LEVEL: 'trace' })
    expect(await worker.exited()).toBe(1)
    const text = JSON.stringify(worker.lines)
    expect(text).toContain('Redis refused: WRONGPASS')
    expect(text).not.toContain('s3cret')
  })

  test('no server: it waits, and SIGTERM still ends it with 0', async () => {
    const worker = start({ REDIS_URL: 'redis://:s3cret@127.0.0.1:1', LOG_LEVEL: 'trace' })
    await worker.waitFor(({ msg }) => msg === 'no connection to Redis, trying again')
    worker.kill('SIGTERM')
    expect(await worker.exited()).toBe(0)
    expect(JSON.stringify(worker.lines)).not.toContain('s3cret')
  })
})

describe('REDIS_URL', () => {
  test('may name a Unix socket', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'redis-streams-unix-'))
    const path = join(folder, 'redis.sock')
    const redis = await RedisServer.start(['--unixsocket', path, '--requirepass', 's3cret'])
    onTestFinished(async () => {
      await redis.stop()
      rmSync(folder, { recursive: true })
    })
    const worker = start({ REDIS_URL: `unix://:s3cret@${path}?db=1` })
    await worker.waitFor(({ msg }) => msg === 'consumer started')
    expect(await worker.stop()).toBe(0)
    expect(JSON.stringify(worker.lines)).not.toContain('s3cret')
  })

  test.each(['unix://', 'unix://run', 'http://127.0.0.1:6379', 'redis://host:99999'])('%s is refused', async (url) => {
    const worker = start({ REDIS_URL: url })
    expect(await worker.exited()).toBe(1)
    expect(worker.lines.map(({ msg }) => msg).join()).toContain('or unix:///run/redis.sock, got something else')
  })
})

describe('signals', () => {
  test.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)('%s drains, and ends it with 0', async (signal) => {
    const worker = start({ WORK_MS: '1' })
    await worker.waitFor(({ msg }) => msg === 'consumer started')
    worker.kill(signal)
    expect(await worker.exited()).toBe(0)
    expect(worker.lines.map(({ msg }) => msg)).toContain('consumer stopped')
  })
})

describe('the watchdog', () => {
  const supportFile = (name: string) => fileURLToPath(new URL(`support/${name}`, import.meta.url))
  const publishOne = async (name: string) => {
    const producer = new Worker('producer', { REDIS_URL: inject('redisUrl'), STREAM: name, BURST: '1' })
    expect(await producer.exited()).toBe(0)
  }

  test.each<[string, WorkerOptions]>([
    ['says why', {}],
    ['does not need standard error', { stderr: 'closed' }],
  ])('kills a process whose event loop is blocked, and %s', async (_, options) => {
    const name = stream()
    const consumer = start({ STREAM: name, BLOCKED_MS: '500', HANDLERS: supportFile('blocking-handlers.ts') }, options)
    await publishOne(name)
    expect(await consumer.closed()).toBe('SIGKILL')
    const said = consumer.lines.map(({ msg }) => msg)
    if (options.stderr === undefined) {
      expect(said).toContain('the event loop has been blocked for 500 ms: killing the process')
    }
  })

  test.each([
    ['--inspect', { NODE_OPTIONS: '--inspect=0' }],
    ['SIGUSR1', { NODE_OPTIONS: '--inspect-port=0' }],
  ])('leaves a process at a breakpoint alone, whose inspector was opened by %s', async (way, options) => {
    const name = stream()
    const handlers = { HANDLERS: supportFile('debugged-handlers.ts'), STOP_MS: '2000' }
    const consumer = start({ STREAM: name, BLOCKED_MS: '500', ...handlers, ...options })
    await consumer.waitFor(({ msg }) => msg === 'consumer started')
    if (way === 'SIGUSR1') consumer.kill('SIGUSR1')
    await consumer.waitFor(({ msg }) => msg?.startsWith('Debugger listening on') === true)
    await publishOne(name)
    await consumer.waitFor(({ msg }) => msg === 'stopped at a breakpoint')
    await consumer.waitFor(({ msg }) => msg === 'acknowledged')
    expect(await consumer.stop()).toBe(0)
  })
})

describe('a log that cannot be written stops nothing', () => {
  test.each(brokenStdouts)(
    '%s: events are handled, SIGTERM ends it with 0, and standard error tells it once',
    async (_, stdout, lost) => {
      const name = stream()
      const consumer = start({ STREAM: name, WORK_MS: '0' }, { stdout })
      const producer = new Worker('producer', { REDIS_URL: inject('redisUrl'), STREAM: name, BURST: '2000' })
      expect(await producer.exited()).toBe(0)
      const isIdle = async () => {
        const [group] = (await inspectStream({ name }, { redis: inject('redisUrl') })).groups
        return group?.lag === 0 && group.pending === 0
      }
      await until('everything but the retries is handled', isIdle, { timeoutMs: 30_000 })
      consumer.kill('SIGTERM')
      await consumer.waitFor(({ msg }) => msg === lost)
      expect(await consumer.exited()).toBe(0)
      expect(consumer.lines).toHaveLength(1)
    },
  )
})

describe('a ledger that fails changes no outcome', () => {
  test.each<[string, string, WorkerOptions]>([
    ['cannot be opened', 'a-file', {}],
    ['meets a full disk', '', { maxFileBlocks: 8 }],
  ])('one that %s: every event is acknowledged, and standard error tells it once', async (_, path, options) => {
    const folder = temporaryFolder()
    writeFileSync(join(folder, 'a-file'), '')
    const name = stream()
    const env = { STREAM: name, WORK_MS: '0', MAX_DELIVERIES: '1', LEDGER_DIR: join(folder, path) }
    const consumer = start(env, options)
    const producer = new Worker('producer', { REDIS_URL: inject('redisUrl'), STREAM: name, BURST: '200', USERS: '1' })
    expect(await producer.exited()).toBe(0)
    const saidOf = (text: string) => consumer.lines.filter(({ msg }) => msg?.startsWith(text))
    await until('every event is settled', () => consumer.lines.filter(({ outcome }) => outcome).length === 200, {
      timeoutMs: 30_000,
    })
    expect(await consumer.stop()).toBe(0)
    expect(saidOf('acknowledged')).toHaveLength(200)
    expect(saidOf(LEDGER_FAILED)).toHaveLength(1)
  })
})

describe('the sample handlers', () => {
  test('one line for each outcome, with ids and never with data', async () => {
    const name = stream()
    const consumer = start({ STREAM: name, WORK_MS: '1', RETRY_BASE_MS: '20', CONSUMER: 'watched' })
    await consumer.waitFor(({ msg }) => msg === 'consumer started')
    const producer = new Worker('producer', { REDIS_URL: inject('redisUrl'), STREAM: name, BURST: '10', FAILING: '1' })
    expect(await producer.exited()).toBe(0)
    const dead = await consumer.waitFor(({ msg }) => msg === 'dead-lettered')
    expect(dead).toMatchObject({ level: 'error', reason: 'exhausted', error: 'database timeout', attempt: 5 })
    const outcomes = consumer.lines.filter(({ outcome }) => outcome !== undefined)
    expect(outcomes).toHaveLength(9 + 5)
    for (const line of outcomes) {
      expect(line).toMatchObject({
        eventId: expect.any(String),
        entryId: expect.stringMatching(/^\d+-\d+$/),
        group: 'user_group',
        consumer: 'watched',
        attempt: expect.any(Number),
      })
    }
    expect(JSON.stringify(consumer.lines)).not.toContain('example.com')
  })
})
