import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type LedgerLine, readLedger } from '@redis-streams-processor/service-kit'
import { asRecord, GroupView, RedisServer, TcpProxy, until, Worker, withUser } from '@redis-streams-processor/testbed'
import { createClient } from 'redis'
import { test as base, inject } from 'vitest'
import type { Script } from '../../src/broker/script.ts'
import {
  type ConsumerOptions,
  createConsumer,
  createProducer,
  defineStream,
  type Handlers,
  inspectStream,
  openControls,
  openDeadLetters,
  openGroups,
  type ProducerOptions,
  type RedisOptions,
  type Retention,
} from '../../src/index.ts'
import type { Program } from '../../src/settings.ts'
import { catalog, type TestCatalog } from './events.ts'
import { DEADLINE_MS, Reports } from './reports.ts'
import { testUsers } from './test-users.ts'

export const GROUP = 'group_1'

/** A consumer that runs in this process. */
export interface RunningConsumer {
  name: string
  reports: Reports
  /** Rejects with what `run` rejects with. */
  done: Promise<void>
  stop(): Promise<void>
}

type GivenOptions = Partial<Omit<ConsumerOptions<TestCatalog>, 'handlers'>> & {
  handlers?: Partial<Handlers<TestCatalog>>
}

/** A Redis with the users that a lab needs. */
export function startServer(options: readonly string[] = [], env?: Record<string, string>): Promise<RedisServer> {
  return RedisServer.start([...testUsers, ...options], env)
}

/**
 * One test's own stream, and everything that works on it; all of it is closed and checked at the end. Each program
 * connects as its user, with the rights of docs/operations.md and no others; the test itself may do everything.
 */
export class Lab {
  readonly url: string
  readonly streamName: string
  readonly #closers: (() => Promise<unknown>)[] = []
  #client: ReturnType<typeof connect> | undefined
  #ledgerFolder: string | undefined
  /** Set by a test that ends with pending entries on purpose. */
  mayLeavePending = false

  constructor(url: string, streamName = `test_${randomUUID().slice(0, 8)}`) {
    this.url = url
    this.streamName = streamName
  }

  /** As `withUser`; where the address is no text, a test says itself who connects. */
  as(program: Program, address: RedisOptions = this.url): RedisOptions {
    return typeof address === 'string' && process.env.REDIS_URL !== this.url ? withUser(address, program) : address
  }

  stream(retention?: Retention) {
    return defineStream(this.streamName, catalog, retention ? { retention } : {})
  }

  producer(options: Partial<ProducerOptions> = {}, retention?: Retention) {
    const redis = this.as('producer', options.redis)
    const producer = createProducer(this.stream(retention), { ...options, redis })
    this.#closers.push(() => producer.close())
    return producer
  }

  /** Starts a consumer in this process; resolves once it has joined its group. */
  async consumer(options?: GivenOptions, retention?: Retention): Promise<RunningConsumer> {
    const running = this.startConsumer(options, retention)
    const joined = running.reports.until('the consumer joins', (reports) => reports.of('started').length > 0)
    await Promise.race([joined, running.done])
    return running
  }

  startConsumer({ handlers = {}, ...options }: GivenOptions = {}, retention?: Retention): RunningConsumer {
    const reports = new Reports()
    const consumer = createConsumer(this.stream(retention), {
      group: GROUP,
      ...options,
      redis: this.as('consumer', options.redis),
      handlers: { counted() {}, noted() {}, ...handlers },
      onReport: (report) => {
        reports.add(report)
        return options.onReport?.(report)
      },
    })
    const stopping = new AbortController()
    const done = consumer.run({ signal: stopping.signal })
    done.catch(() => {})
    const stop = async () => {
      stopping.abort()
      await done
    }
    this.#closers.push(() => stop().catch(() => {}))
    return { name: consumer.name, reports, done, stop }
  }

  /** Starts a service as a real process that works on this test's stream and writes into its ledger. */
  worker(service: 'consumer' | 'producer' | 'console', env: Record<string, string> = {}): Worker {
    const settings = {
      REDIS_URL: String(this.as(service === 'console' ? 'operator' : service)),
      STREAM: this.streamName,
      GROUP,
      LEDGER_DIR: this.ledgerFolder,
    }
    const worker = new Worker(service, { ...settings, ...env })
    this.#closers.push(async () => {
      worker.kill('SIGKILL')
      await worker.exited()
    })
    return worker
  }

  get ledgerFolder(): string {
    this.#ledgerFolder ??= mkdtempSync(join(tmpdir(), 'redis-streams-test-'))
    return this.#ledgerFolder
  }

  ledger<W extends LedgerLine['what']>(what: W): (LedgerLine & { what: W })[] {
    return readLedger(this.ledgerFolder).filter((line): line is LedgerLine & { what: W } => line.what === what)
  }

  /** A raw command, as a foreign client would send it. */
  async send<T = unknown>(...args: (string | Buffer | number)[]): Promise<T> {
    this.#client ??= connect(this.url)
    const client = await this.#client
    return client.sendCommand<T>(args.map((arg) => (typeof arg === 'number' ? String(arg) : arg)))
  }

  /** A proxy in front of Redis, to be broken. */
  async proxy(): Promise<TcpProxy> {
    const proxy = await TcpProxy.start(this.port)
    this.onClose(() => proxy.stop())
    return proxy
  }

  get port(): number {
    return Number(new URL(this.url).port)
  }

  /** From now on Redis runs this script when it is called by its digest. */
  async load({ lua }: Script): Promise<void> {
    await this.send('SCRIPT', 'LOAD', lua)
  }

  /** Gives the user `producer` the right that `durability: 'fsync'` needs, and says whether this Redis knows it. */
  async allowFsync(): Promise<boolean> {
    const [waitAof] = await this.send<unknown[]>('COMMAND', 'INFO', 'WAITAOF')
    if (waitAof) await this.send('ACL', 'SETUSER', 'producer', '+waitaof')
    return Boolean(waitAof)
  }

  /** A group as Redis itself sees it. */
  view(group = GROUP): GroupView {
    return new GroupView(<T>(...command: string[]) => this.send<T>(...command), this.streamName, group)
  }

  /** Makes handled entries look as if a dead consumer had left them. */
  async bringBack(entryIds: readonly string[], { deliveries, idleMs }: { deliveries: number; idleMs: number }) {
    const claim = ['XCLAIM', this.streamName, GROUP, 'dead', 0, ...entryIds]
    await this.send(...claim, 'IDLE', idleMs, 'RETRYCOUNT', deliveries, 'FORCE', 'JUSTID')
  }

  async inspect() {
    return inspectStream({ name: this.streamName }, { redis: this.as('operator') })
  }

  async group(name = GROUP) {
    const { groups } = await this.inspect()
    const found = groups.find(({ group }) => group === name)
    if (!found) throw new Error(`no group ${name}`)
    return found
  }

  async deadLetters(group = GROUP) {
    const all = []
    for await (const letter of this.openDeadLetters(group).list()) all.push(letter)
    return all
  }

  /** @param leaseMs That of the consumers of the test. */
  openGroups(leaseMs?: number) {
    const lease = leaseMs === undefined ? {} : { leaseMs }
    const groups = openGroups({ name: this.streamName }, { redis: this.as('operator'), ...lease })
    this.#closers.push(() => groups.close())
    return groups
  }

  openDeadLetters(group = GROUP) {
    const letters = openDeadLetters({ name: this.streamName }, { redis: this.as('operator'), group })
    this.#closers.push(() => letters.close())
    return letters
  }

  openControls(group = GROUP) {
    const controls = openControls({ name: this.streamName }, { redis: this.as('operator'), group })
    this.#closers.push(() => controls.close())
    return controls
  }

  /** Looks for a fact that nobody reports; for what happens in another process. */
  until<T>(what: string, look: () => T | Promise<T>) {
    return until(what, look, { timeoutMs: DEADLINE_MS })
  }

  /** Resolves once so many clients wait for CLIENT UNPAUSE. */
  async paused(count: number): Promise<void> {
    await this.until(`${count} clients are paused`, async () => {
      const clients = await this.send<string>('CLIENT', 'LIST')
      return [...clients.matchAll(/ flags=\w*b/g)].length === count
    })
  }

  /** A Redis of this test's own, which the test may break, and a lab on it. Both are closed with this lab. */
  async ownRedis(options?: readonly string[], env?: Record<string, string>): Promise<{ redis: RedisServer; lab: Lab }> {
    const redis = await startServer(options, env)
    this.onClose(() => redis.stop())
    const lab = new Lab(redis.url)
    this.onClose(() => lab.close())
    return { redis, lab }
  }

  /** Closed at the end of the test, in reverse order. */
  onClose(closer: () => Promise<unknown>): void {
    this.#closers.push(closer)
  }

  async close(): Promise<void> {
    try {
      // An acknowledgement may still be on its way when a test has seen all it wanted.
      const isAtRest = async () => (await this.#pending()) === 0
      if (!this.mayLeavePending) await until('nothing is pending at the end', isAtRest, { timeoutMs: 1_000 })
    } finally {
      for (const closer of this.#closers.reverse()) await closer()
      const client = await this.#client
      client?.destroy()
      if (this.#ledgerFolder) rmSync(this.#ledgerFolder, { recursive: true, force: true })
    }
  }

  /** Over all groups, in the words of Redis itself. */
  async #pending(): Promise<number> {
    if ((await this.send('EXISTS', this.streamName)) === 0) return 0
    const groups = (await this.send<unknown[]>('XINFO', 'GROUPS', this.streamName)).map(asRecord)
    return groups.reduce((sum, { pending }) => sum + Number(pending), 0)
  }
}

async function connect(url: string) {
  const client = createClient({ url, RESP: 2 })
  client.on('error', () => {})
  return client.connect()
}

export const test = base.extend<{ lab: Lab }>({
  // biome-ignore lint/correctness/noEmptyPattern: Vitest reads the fixtures that are needed from this pattern.
  lab: async ({}, use) => {
    const lab = new Lab(inject('redisUrl'))
    await use(lab)
    await lab.close()
  },
})
