import { spawn, spawnSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePort, onPath, ownChild, until, Worker } from '@redis-streams-processor/testbed'
import { describe, expect, inject, onTestFinished, test } from 'vitest'

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8')
const alerts = read('deploy/alerts.yml')
const alertNames = [...alerts.matchAll(/^ +- alert: (\w+)$/gm)].map(([, name = '']) => name)

const hasPrometheus = onPath('promtool') !== undefined && onPath('prometheus') !== undefined
const NEEDS = hasPrometheus ? '' : ' (skipped: apt-get install prometheus)'

/** Runs promtool in deploy/. */
function promtool(...args: string[]) {
  const { status, stdout, stderr } = spawnSync('promtool', args, { cwd: join(ROOT, 'deploy'), encoding: 'utf8' })
  return { status, output: stdout + stderr }
}

describe('alerts', () => {
  test('docs/operations.md says of each what to do', () => {
    const headings = [...read('docs/operations.md').matchAll(/^#### ((?:Streams|Webhooks)\w+)$/gm)].map(
      ([, name]) => name,
    )
    expect(alertNames.length).toBeGreaterThan(10)
    expect(headings).toEqual(alertNames)
  })

  test('each is shown firing', () => {
    const shown = [...read('deploy/alerts.test.yml').matchAll(/alertname: (\w+)\n(?:.*\n){2} +- exp_labels/g)]
    expect(new Set(shown.map(([, name]) => name))).toEqual(new Set(alertNames))
  })

  test.skipIf(!hasPrometheus).each([
    ['check', 'config', 'prometheus.yml'],
    ['check', 'rules', 'alerts.yml'],
    ['test', 'rules', 'alerts.test.yml'],
  ])(`promtool %s %s %s${NEEDS}`, (...args) => {
    expect(promtool(...args)).toMatchObject({ status: 0, output: expect.stringMatching(/SUCCESS/) })
  })
})

/** Every query of every dashboard. */
function queries(): string[] {
  const folder = join(ROOT, 'deploy/grafana/dashboards')
  const dashboards = readdirSync(folder).map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')))
  return dashboards.flatMap(({ panels }: { panels: { targets?: { expr: string }[] }[] }) =>
    panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr)),
  )
}

function start(service: 'consumer' | 'producer', env: Record<string, string>): Worker {
  const worker = new Worker(service, { REDIS_URL: inject('redisUrl'), HTTP_PORT: '0', ...env })
  onTestFinished(async () => {
    worker.kill('SIGKILL')
    await worker.exited()
  })
  return worker
}

/** Prometheus with deploy/prometheus.yml, which finds its targets here instead of in Compose, and looks each second. */
async function startPrometheus(targets: Record<'producer' | 'consumer', number[]>): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'redis-streams-prometheus-'))
  let config = read('deploy/prometheus.yml').replaceAll('15s', '1s').replace('alerts.yml', `${ROOT}deploy/alerts.yml`)
  for (const [job, ports] of Object.entries(targets)) {
    const found = ports.map((port) => `'127.0.0.1:${port}'`).join(', ')
    const discovery = new RegExp(`(job_name: ${job}\n) +dns_sd_configs:\n.*\n`)
    expect(config).toMatch(discovery)
    config = config.replace(discovery, `$1    static_configs: [{ targets: [${found}] }]\n`)
  }
  writeFileSync(join(folder, 'prometheus.yml'), config)
  const address = `127.0.0.1:${await freePort()}`
  const prometheus = ownChild(
    spawn(
      'prometheus',
      [
        `--config.file=${folder}/prometheus.yml`,
        `--storage.tsdb.path=${folder}/data`,
        `--web.listen-address=${address}`,
      ],
      { stdio: 'ignore' },
    ),
  )
  const ended = new Promise((resolve) => prometheus.once('exit', resolve))
  onTestFinished(async () => {
    prometheus.kill('SIGKILL')
    await ended
    rmSync(folder, { recursive: true, force: true })
  })
  return `http://${address}/api/v1`
}

describe('Prometheus, with a producer and two consumers', () => {
  test.skipIf(!hasPrometheus)(`answers every query of the dashboard, and evaluates every alert${NEEDS}`, async () => {
    const env = { STREAM: `service_${randomUUID().slice(0, 8)}`, LOG_LEVEL: 'info', WORK_MS: '1' }
    const producer = start('producer', { ...env, INTERVAL_MS: '10', MAX_LENGTH: '100000' })
    const consumers = [start('consumer', env), start('consumer', env)]
    const api = await startPrometheus({
      producer: [await producer.opsPort()],
      consumer: await Promise.all(consumers.map((consumer) => consumer.opsPort())),
    })
    const ask = async (query: string) => {
      const response = await fetch(`${api}/query?query=${encodeURIComponent(query)}`)
      return (await response.json()) as {
        status: string
        error?: string
        data: { result: { value: [number, string] }[] }
      }
    }
    const filled = (query: string) => query.replaceAll('$__rate_interval', '10s').replaceAll('$group', '.+')
    await until('Prometheus answers', () => ask('up'), { timeoutMs: 30_000 })
    expect(queries().length).toBeGreaterThan(25)
    for (const query of queries()) {
      const hasNumbers = async () => {
        const { status, error, data } = await ask(filled(query))
        if (status !== 'success') throw new Error(error)
        return data.result.some(({ value: [, value] }) => value !== 'NaN')
      }
      await until(`an answer to ${query}`, hasNumbers, { timeoutMs: 30_000 })
    }

    const evaluated = async () => {
      const { data } = (await (await fetch(`${api}/rules`)).json()) as {
        data: { groups: { rules: { name: string; health: string; lastError?: string }[] }[] }
      }
      const rules = data.groups.flatMap((group) => group.rules)
      return rules.every(({ health }) => health !== 'unknown') && rules
    }
    const rules = await until('every alert is evaluated', evaluated, { timeoutMs: 30_000 })
    expect(rules.map(({ name, health, lastError }) => [name, health, lastError])).toEqual(
      alertNames.map((name) => [name, 'ok', undefined]),
    )
  })
})
