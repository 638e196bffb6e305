import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { samples, UNLUCKY_USER, userEvents } from '@redis-streams-processor/events'
import { createProducer } from '@redis-streams-processor/streams-core'
import { sendOnce, until, Worker, withUser } from '@redis-streams-processor/testbed'
import { test as base, inject } from 'vitest'

export const GROUP = 'billing'
/** Generous: what a test waits for is an event, not a time. */
export const PATIENCE = { timeoutMs: 30_000 }

const HANDLERS = fileURLToPath(new URL('handlers.ts', import.meta.url))

/** A stream of the test's own, the processes that work on it, and a console that shows it. All of it ends with the test. */
export class Site {
  readonly redisUrl: string
  readonly stream: string
  readonly #folder = mkdtempSync(join(tmpdir(), 'console-test-'))
  readonly #workers: Worker[] = []
  readonly #closers: (() => Promise<unknown>)[] = []
  #producer: ReturnType<Site['newProducer']> | undefined

  constructor(redisUrl = inject('redisUrl'), stream = `test_${randomUUID().slice(0, 8)}`) {
    this.redisUrl = redisUrl
    this.stream = stream
    this.breakHandlers()
  }

  /** The console as a process. Returns it, and where its page is. */
  async console(env: Record<string, string> = {}): Promise<{ worker: Worker; url: string }> {
    const worker = this.worker('console', { CONSOLE_PORT: '0', ...env })
    return { worker, url: String((await worker.waitFor(({ msg }) => msg === 'the page is served')).url) }
  }

  /** A consumer as a process; resolves once it has joined. Its handlers fail for the unlucky user, until mended. */
  async consumer(name: string, env: Record<string, string> = {}): Promise<Worker> {
    const settings = { GROUP, CONSUMER: name, HANDLERS, BROKEN: this.#broken, WORK_MS: '1', RETRY_BASE_MS: '10' }
    const worker = this.worker('consumer', { LEASE_MS: '3000', BLOCK_MS: '300', ...settings, ...env })
    await worker.waitFor(({ msg }) => msg === 'consumer started')
    return worker
  }

  worker(service: 'console' | 'consumer', env: Record<string, string>): Worker {
    const user = service === 'console' ? 'operator' : 'consumer'
    const worker = new Worker(service, { REDIS_URL: withUser(this.redisUrl, user), STREAM: this.stream, ...env })
    this.#workers.push(worker)
    return worker
  }

  /** Events of a user that nothing is wrong with; returns their entry ids. */
  publish(events: number, id = 'event'): Promise<string[]> {
    return Promise.all(Array.from({ length: events }, (_, n) => this.#publishOne(`user_${2_000 + n}`, n, id)))
  }

  /** Events whose handlers fail. */
  publishUnlucky(events: number, id = 'event'): Promise<string[]> {
    return Promise.all(Array.from({ length: events }, (_, n) => this.#publishOne(UNLUCKY_USER, n, id)))
  }

  get #broken(): string {
    return join(this.#folder, 'broken')
  }

  breakHandlers(): void {
    writeFileSync(this.#broken, '')
  }

  mendHandlers(): void {
    rmSync(this.#broken)
  }

  async #publishOne(userId: string, n: number, prefix: string): Promise<string> {
    this.#producer ??= this.newProducer()
    const id = `${prefix}-${userId}-${n}`
    return (await this.#producer.publish('payment.failed', samples['payment.failed'](userId, n), { id })).entryId
  }

  newProducer() {
    const producer = createProducer(userEvents(this.stream), { redis: withUser(this.redisUrl, 'producer') })
    this.#closers.push(() => producer.close())
    return producer
  }

  /** A raw command. */
  send<T = unknown>(...command: string[]): Promise<T> {
    return sendOnce(this.redisUrl, command) as Promise<T>
  }

  async pending(): Promise<number> {
    return Number((await this.send<[number]>('XPENDING', this.stream, GROUP))[0])
  }

  /** Entries that a consumer holds. */
  async held(consumer: string, group = GROUP): Promise<number> {
    return (await this.send<unknown[]>('XPENDING', this.stream, group, '-', '+', '100', consumer)).length
  }

  async untilDead(letters: number): Promise<void> {
    const key = `{${this.stream}}:${GROUP}:dead`
    await until(`${letters} dead letters`, async () => (await this.send('XLEN', key)) === letters, PATIENCE)
  }

  onClose(closer: () => Promise<unknown>): void {
    this.#closers.push(closer)
  }

  async close(): Promise<void> {
    for (const closer of this.#closers.reverse()) await closer()
    for (const worker of this.#workers) worker.kill('SIGKILL')
    await Promise.all(this.#workers.map((worker) => worker.exited()))
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

export const test = base.extend<{ site: Site }>({
  // biome-ignore lint/correctness/noEmptyPattern: Vitest reads the fixtures that are needed from this pattern.
  site: async ({}, use) => {
    const site = new Site()
    await use(site)
    await site.close()
  },
})
