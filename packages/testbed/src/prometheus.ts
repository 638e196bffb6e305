import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ownChild, ownFolder } from './children.ts'
import { freePort } from './redis-server.ts'
import { until } from './until.ts'

const DEPLOY = fileURLToPath(new URL('../../../deploy', import.meta.url))
const START_TIMEOUT_MS = 30_000
const jobs = ['producer', 'consumer'] as const

export type Job = (typeof jobs)[number]

export interface PrometheusOptions {
  /** The ports of this machine at which each job answers /metrics. */
  targets: Record<Job, readonly number[]>
  /** What becomes of the text of deploy/alerts.yml before it is loaded. Default: nothing. */
  rulesOf?: (text: string) => string
}

export interface Alert {
  state: 'pending' | 'firing'
  labels: Record<string, string>
  annotations: Record<string, string>
}

export interface Rule {
  name: string
  health: 'ok' | 'err' | 'unknown'
  lastError?: string
}

export interface Sample {
  metric: Record<string, string>
  value: [time: number, value: string]
}

/**
 * A real Prometheus with deploy/prometheus.yml and deploy/alerts.yml. It finds its targets in files instead of in the
 * DNS of Compose, and scrapes and evaluates each second.
 */
export class Prometheus {
  readonly #api: string
  readonly #process: ChildProcess
  readonly #folder: string

  private constructor(port: number, folder: string) {
    this.#api = `http://127.0.0.1:${port}/api/v1`
    this.#folder = folder
    const config = [`--config.file=${folder}/prometheus.yml`, `--storage.tsdb.path=${folder}/data`]
    const address = `--web.listen-address=127.0.0.1:${port}`
    this.#process = ownChild(spawn('prometheus', [...config, address], { stdio: 'ignore' }))
  }

  /** Resolves once every target was scraped. @throws when that does not happen. */
  static async start({ targets, rulesOf = (text) => text }: PrometheusOptions): Promise<Prometheus> {
    const folder = ownFolder(mkdtempSync(join(tmpdir(), 'redis-streams-prometheus-')))
    const read = (name: string) => readFileSync(join(DEPLOY, name), 'utf8')
    writeFileSync(join(folder, 'alerts.yml'), rulesOf(read('alerts.yml')))
    writeFileSync(join(folder, 'prometheus.yml'), configOf(read('prometheus.yml')))
    for (const job of jobs) writeTargets(folder, job, targets[job])
    const prometheus = new Prometheus(await freePort(), folder)
    const all = Object.values(targets).flat().length
    const scraped = async () => (await prometheus.query('up == 1')).length === all
    await until('Prometheus has scraped every target', scraped, { timeoutMs: START_TIMEOUT_MS }).catch(
      async (error) => {
        await prometheus.stop()
        throw error
      },
    )
    return prometheus
  }

  /** From now on these ports are those of the job, as when a service discovery has looked again. */
  discover(job: Job, ports: readonly number[]): void {
    writeTargets(this.#folder, job, ports)
  }

  /** @throws when Prometheus says that it is no query. */
  async query(expression: string): Promise<Sample[]> {
    return (await this.#ask<{ result: Sample[] }>(`query?query=${encodeURIComponent(expression)}`)).result
  }

  async alerts(): Promise<Alert[]> {
    return (await this.#ask<{ alerts: Alert[] }>('alerts')).alerts
  }

  async rules(): Promise<Rule[]> {
    const { groups } = await this.#ask<{ groups: { rules: Rule[] }[] }>('rules')
    return groups.flatMap((group) => group.rules)
  }

  /** Ends it and removes what it has stored. */
  async stop(): Promise<void> {
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      const exited = once(this.#process, 'exit')
      this.#process.kill('SIGKILL')
      await exited
    }
    rmSync(this.#folder, { recursive: true, force: true })
  }

  async #ask<T>(path: string): Promise<T> {
    const response = await fetch(`${this.#api}/${path}`)
    const { error, data } = (await response.json()) as { error?: string; data: T }
    if (error !== undefined) throw new Error(error)
    return data
  }
}

function configOf(text: string): string {
  let config = text.replaceAll('15s', '1s')
  for (const job of jobs) {
    const discovery = new RegExp(`(job_name: ${job}\n) +dns_sd_configs:\n.*\n`)
    if (!discovery.test(config)) throw new Error(`deploy/prometheus.yml does not look up the job ${job} in DNS`)
    config = config.replace(discovery, `$1    file_sd_configs: [{ files: [${job}.json] }]\n`)
  }
  return config
}

/** In one step: Prometheus reads the file whenever it changes. */
function writeTargets(folder: string, job: Job, ports: readonly number[]): void {
  const file = join(folder, `${job}.json`)
  writeFileSync(`${file}.new`, JSON.stringify([{ targets: ports.map((port) => `127.0.0.1:${port}`) }]))
  renameSync(`${file}.new`, file)
}
