import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { type UserEvents, userEvents } from '@redis-streams-processor/events'
import { createProducer, type Producer, type Retention } from '@redis-streams-processor/streams-core'
import {
  type Alert,
  GroupView,
  type Job,
  Prometheus,
  RedisServer,
  Scrape,
  sendOnce,
  until,
  Worker,
} from '@redis-streams-processor/testbed'
import { expect } from 'vitest'
import { SECRETS } from './endpoint.ts'

type Labels = Record<string, string>

interface Started {
  job: Job
  env: Record<string, string>
  worker: Worker
}

/** A deadline, not a measure: the machine may have much else to do. */
const TIMEOUT_MS = 60_000

export const GROUP = 'user_group'

/** Minutes become seconds, in `for` and in the ranges of expressions. All else is what ships. */
export const inSeconds = (rules: string) => rules.replace(/(\bfor: |\[)(\d+)m\b/g, '$1$2s')

/** A real Redis, real producers and consumers, and a real Prometheus that watches them with deploy/alerts.yml. */
export class WatchedSystem {
  readonly redis: RedisServer
  readonly stream = `watched_${randomUUID().slice(0, 8)}`
  readonly view: GroupView
  readonly #started: Started[] = []
  readonly #targets: Record<Job, number[]> = { consumer: [], producer: [] }
  readonly #expected = new Set<string>()
  readonly #stopping = new AbortController()
  readonly #closers: (() => Promise<unknown>)[] = []
  #publisher: Producer<UserEvents> | undefined
  #prometheus: Prometheus | undefined
  #watchedSince = 0

  private constructor(redis: RedisServer) {
    this.redis = redis
    this.view = new GroupView((...command) => this.command(...command), this.stream, GROUP)
  }

  /** With a Redis, and nothing else yet. */
  static async open(): Promise<WatchedSystem> {
    return new WatchedSystem(await RedisServer.start())
  }

  /** Consumers lose their leases soon. Producers send no webhooks unless they are told to. */
  start(job: Job, env: Record<string, string> = {}): Worker {
    const common = { REDIS_URL: this.redis.url, STREAM: this.stream, LEASE_MS: '1000', BLOCK_MS: '100', WORK_MS: '0' }
    const webhooks = { HTTP_PORT: '0', SIMULATE: 'off', WEBHOOK_STANDARD_SECRET: SECRETS.standard }
    const worker = new Worker(job, { ...common, ...webhooks, ...env })
    this.#started.push({ job, env, worker })
    return worker
  }

  /** Starts what has ended again, where it was. */
  async startAgain(ended: Worker): Promise<Worker> {
    const { job, env } = this.#of(ended)
    return this.start(job, { ...env, OPS_PORT: String(await ended.opsPort()) })
  }

  /** Lets Prometheus watch all that was started so far, from when it is ready. Resolves when nothing is wrong. */
  async watch(): Promise<void> {
    for (const { job, worker } of this.#started) {
      const port = await worker.opsPort()
      await this.until(`a ${job} is ready`, async () => (await Scrape.of(port)).sum('streams_ready') === 1)
      this.#targets[job].push(port)
    }
    const prometheus = await Prometheus.start({ targets: this.#targets, rulesOf: inSeconds })
    this.#prometheus = prometheus
    await this.until('no alert is active', async () => (await prometheus.alerts()).length === 0)
    this.#watchedSince = Date.now()
  }

  /** As a service discovery does with what has ended. */
  async forget(ended: Worker): Promise<void> {
    const port = await ended.opsPort()
    await this.#discover(this.#of(ended).job, (ports) => ports.filter((one) => one !== port))
  }

  /** As a service discovery does with what has been started. */
  async find(started: Worker): Promise<void> {
    const port = await started.opsPort()
    await this.#discover(this.#of(started).job, (ports) => [...ports, port])
  }

  /** Resolves once this alert fires with these labels, its severity aside. */
  async fires(name: string, labels: Labels): Promise<void> {
    const wanted = textOf({ alertname: name, ...labels })
    const look = async () => {
      const alerts = await this.#alerts()
      const found = alerts.find((alert) => alert.state === 'firing' && textOf(alert.labels) === wanted)
      if (!found) throw new Error(`what fires is ${JSON.stringify(alerts)}`)
      expect(found.annotations.summary).not.toMatch(/no value|error/i)
      return true
    }
    await this.until(`${wanted} fires`, look)
    this.#expected.add(wanted)
  }

  /** Resolves once no alert fires or is about to. */
  async recovers(): Promise<void> {
    const look = async () => {
      const alerts = await this.#alerts()
      if (alerts.length > 0) throw new Error(`what is left is ${JSON.stringify(alerts)}`)
      return true
    }
    await this.until('every alert ends', look)
  }

  /** The alerts that `fires` has waited for, and all that have fired, as far as Prometheus remembers. */
  async fired(): Promise<{ expected: string[]; all: string[] }> {
    const seconds = Math.ceil((Date.now() - this.#watchedSince) / 1_000)
    const history = `last_over_time(ALERTS{alertstate="firing"}[${seconds}s])`
    const samples = await (this.#prometheus as Prometheus).query(history)
    return { expected: [...this.#expected].sort(), all: samples.map(({ metric }) => textOf(metric)).sort() }
  }

  async targetOf(worker: Worker): Promise<{ job: string; instance: string }> {
    return { job: this.#of(worker).job, instance: `127.0.0.1:${await worker.opsPort()}` }
  }

  /** Publishes events of this user, from outside what is watched. Resolves also when some could not be published. */
  async publish(events: number, userId = 'user_1', retention?: Retention): Promise<void> {
    this.#publisher ??= createProducer(userEvents(this.stream, retention), { redis: this.redis.url })
    const producer = this.#publisher
    await Promise.allSettled(Array.from({ length: events }, () => producer.publish('user.deleted', { userId })))
  }

  /** Does this again and again until the function that it returns is called. */
  steadily(everyMs: number, act: () => Promise<unknown>): () => Promise<void> {
    const stopping = new AbortController()
    const signal = AbortSignal.any([stopping.signal, this.#stopping.signal])
    const acting = (async () => {
      while (!signal.aborted) {
        await act()
        await sleep(everyMs, undefined, { signal }).catch(() => {})
      }
    })()
    return async () => {
      stopping.abort()
      await acting
    }
  }

  command<T>(...command: string[]): Promise<T> {
    return sendOnce<T>(this.redis.url, command)
  }

  until<T>(what: string, look: () => T | Promise<T>) {
    return until(what, look, { timeoutMs: TIMEOUT_MS, signal: this.#stopping.signal })
  }

  onStop(close: () => Promise<unknown>): void {
    this.#closers.push(close)
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    for (const { worker } of this.#started) worker.kill('SIGKILL')
    await Promise.all([...this.#started.map(({ worker }) => worker.exited()), this.#prometheus?.stop()])
    await this.#publisher?.close()
    for (const close of this.#closers) await close()
    await this.redis.stop()
  }

  async #discover(job: Job, change: (ports: number[]) => number[]): Promise<void> {
    const prometheus = this.#prometheus as Prometheus
    const ports = change(this.#targets[job])
    this.#targets[job] = ports
    prometheus.discover(job, ports)
    const count = async () => (await prometheus.query(`up{job="${job}"}`)).length
    await this.until('Prometheus knows its targets', async () => (await count()) === ports.length)
  }

  #of(worker: Worker): Started {
    return this.#started.find((one) => one.worker === worker) as Started
  }

  #alerts(): Promise<Alert[]> {
    return (this.#prometheus as Prometheus).alerts()
  }
}

/** What tells one alert from another, as text. */
function textOf({ alertname, severity: _, alertstate: _s, __name__: _n, ...labels }: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${value}"`)
  return `${alertname}{${pairs.sort().join()}}`
}
