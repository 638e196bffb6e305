import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type LedgerLine, readLedger } from '@redis-streams-processor/service-kit'
import { Worker } from '@redis-streams-processor/testbed'
import { createClient } from 'redis'
import { test as base, expect, inject } from 'vitest'
import { z } from 'zod'
import {
  type ConsumerOptions,
  createConsumer,
  createProducer,
  defineStream,
  type Handlers,
  inspectStream,
  openDeadLetters,
  type ProducerOptions,
  type Report,
  type Retention,
  type SettledReport,
} from '../../src/index.ts'

/** The events of the tests. */
export const catalog = {
  counted: z.object({ n: z.int() }),
  noted: z.object({ text: z.string() }),
}
export type TestCatalog = typeof catalog

export const GROUP = 'group_1'

type Reported<K extends Report['kind']> = Extract<Report, { kind: K }>

/** Waits for reports instead of for time. */
export class Reports {
  readonly all: Report[] = []
  #watchers: (() => void)[] = []

  add(report: Report): void {
    this.all.push(report)
    for (const watcher of [...this.#watchers]) watcher()
  }

  of<K extends Report['kind']>(kind: K): Reported<K>[] {
    return this.all.filter((report): report is Reported<K> => report.kind === kind)
  }

  settled(type?: SettledReport['outcome']['type']): SettledReport[] {
    return this.of('settled').filter(({ outcome }) => !type || outcome.type === type)
  }

  until(isThere: (reports: this) => boolean): Promise<void> {
    return new Promise((resolve) => {
      const watcher = () => {
        if (!isThere(this)) return
        this.#watchers = this.#watchers.filter((other) => other !== watcher)
        resolve()
      }
      this.#watchers.push(watcher)
      watcher()
    })
  }
}

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

/** One test's own stream, and everything that works on it; all of it is closed and checked at the end. */
export class Lab {
  readonly url: string
  readonly streamName = `test_${randomUUID().slice(0, 8)}`
  readonly #closers: (() => Promise<unknown>)[] = []
  readonly #clients: Map<string, ReturnType<typeof rawClient>> = new Map()
  #ledgerFolder: string | undefined
  /** Set by a test that ends with pending entries on purpose. */
  mayLeavePending = false

  constructor(url: string) {
    this.url = url
  }

  stream(retention?: Retention) {
    return defineStream(this.streamName, catalog, retention ? { retention } : {})
  }

  producer(options: Partial<ProducerOptions> = {}, retention?: Retention) {
    const producer = createProducer(this.stream(retention), { redis: this.url, ...options })
    this.#closers.push(() => producer.close())
    return producer
  }

  /** Starts a consumer in this process; resolves once it has joined its group. */
  async consumer({ handlers = {}, ...options }: GivenOptions = {}, retention?: Retention): Promise<RunningConsumer> {
    const running = this.startConsumer({ handlers, ...options }, retention)
    await Promise.race([running.reports.until((reports) => reports.of('started').length > 0), running.done])
    return running
  }

  startConsumer({ handlers = {}, ...options }: GivenOptions = {}, retention?: Retention): RunningConsumer {
    const reports = new Reports()
    const consumer = createConsumer(this.stream(retention), {
      redis: this.url,
      group: GROUP,
      ...options,
      handlers: { counted() {}, noted() {}, ...handlers },
      onReport: (report) => reports.add(report),
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
  worker(service: 'consumer' | 'producer', env: Record<string, string> = {}): Worker {
    const worker = new Worker(service, {
      REDIS_URL: this.url,
      STREAM: this.streamName,
      GROUP,
      LEDGER_DIR: this.ledgerFolder,
      ...env,
    })
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
    const client = await this.#client(this.url)
    return client.sendCommand<T>(args.map((arg) => (typeof arg === 'number' ? String(arg) : arg)))
  }

  /** Makes handled entries look as if a dead consumer had left them. */
  async bringBack(entryIds: readonly string[], { deliveries, idleMs }: { deliveries: number; idleMs: number }) {
    const claim = ['XCLAIM', this.streamName, GROUP, 'dead', 0, ...entryIds]
    await this.send(...claim, 'IDLE', idleMs, 'RETRYCOUNT', deliveries, 'FORCE', 'JUSTID')
  }

  async inspect() {
    return inspectStream({ name: this.streamName }, { redis: this.url })
  }

  async group(name = GROUP) {
    const { groups } = await this.inspect()
    const found = groups.find(({ group }) => group === name)
    if (!found) throw new Error(`no group ${name}`)
    return found
  }

  async deadLetters(group = GROUP) {
    const letters = openDeadLetters({ name: this.streamName }, { redis: this.url, group })
    const all = []
    for await (const letter of letters.list()) all.push(letter)
    await letters.close()
    return all
  }

  openDeadLetters(group = GROUP) {
    const letters = openDeadLetters({ name: this.streamName }, { redis: this.url, group })
    this.#closers.push(() => letters.close())
    return letters
  }

  /** Polls a fact that nobody reports; for what happens in another process. */
  async until(isThere: () => Promise<boolean> | boolean, what = 'it'): Promise<void> {
    const deadline = Date.now() + 45_000
    while (!(await isThere())) {
      if (Date.now() > deadline) throw new Error(`waited in vain for ${what}`)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }

  /** Closed at the end of the test, in reverse order. */
  onClose(closer: () => Promise<unknown>): void {
    this.#closers.push(closer)
  }

  async close(): Promise<void> {
    try {
      const pending = this.mayLeavePending ? 0 : await this.#pending()
      for (const closer of this.#closers.reverse()) await closer()
      expect(pending, 'entries pending at the end').toBe(0)
    } finally {
      for (const client of this.#clients.values()) client.destroy()
      if (this.#ledgerFolder) rmSync(this.#ledgerFolder, { recursive: true, force: true })
    }
  }

  // An acknowledgement may still be on its way when a test has seen all it wanted.
  async #pending(): Promise<number> {
    let pending = 0
    const read = async () => {
      const { groups } = await this.inspect()
      pending = groups.reduce((sum, group) => sum + group.pending + group.waitingForRetry, 0)
      return pending === 0
    }
    for (let i = 0; i < 50 && !(await read()); i += 1) await new Promise((resolve) => setTimeout(resolve, 20))
    return pending
  }

  async #client(url: string) {
    const known = this.#clients.get(url)
    if (known) return known
    const client = rawClient(url)
    client.on('error', () => {})
    await client.connect()
    this.#clients.set(url, client)
    return client
  }
}

const rawClient = (url: string) => createClient({ url, RESP: 2 })

export const test = base.extend<{ lab: Lab }>({
  // biome-ignore lint/correctness/noEmptyPattern: Vitest reads the fixtures that are needed from this pattern.
  lab: async ({}, use) => {
    const lab = new Lab(inject('redisUrl'))
    await use(lab)
    await lab.close()
  },
})

/** A promise to be resolved from outside. */
export function latch<T = void>() {
  let resolve!: (value: T) => void
  const promise = new Promise<T>((done) => {
    resolve = done
  })
  return { promise, resolve }
}

export const range = (count: number): number[] => Array.from({ length: count }, (_, n) => n)

/** The fields of a well-formed entry, as a foreign producer would write them. */
export function foreignEntry(overrides: Record<string, string> = {}): string[] {
  const fields = {
    id: randomUUID(),
    type: 'counted',
    source: '/foreign',
    time: '2026-01-01T00:00:00Z',
    data: '{"n":1}',
    ...overrides,
  }
  return Object.entries(fields).flat()
}
