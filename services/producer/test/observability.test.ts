import { spawnSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { onPath, Prometheus, skipsWithout, until, Worker } from '@redis-streams-processor/testbed'
import { describe, expect, inject, onTestFinished, test } from 'vitest'

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8')
const alerts = read('deploy/alerts.yml')
const alertNames = [...alerts.matchAll(/^ +- alert: (\w+)$/gm)].map(([, name = '']) => name)

const skipped = skipsWithout(onPath('promtool') !== undefined && onPath('prometheus') !== undefined)
const NEEDS = skipped ? ' (skipped: apt-get install prometheus)' : ''

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

  test('each has a rule test that shows it firing', () => {
    const shown = [...read('deploy/alerts.test.yml').matchAll(/alertname: (\w+)\n(?:.*\n){2} +- exp_labels/g)]
    expect(new Set(shown.map(([, name]) => name))).toEqual(new Set(alertNames))
  })

  test.skipIf(skipped).each([
    ['check', 'config', 'prometheus.yml'],
    ['check', 'rules', 'alerts.yml'],
    ['test', 'rules', 'alerts.test.yml'],
  ])(`promtool %s %s %s${NEEDS}`, (...args) => {
    expect(promtool(...args)).toMatchObject({ status: 0, output: expect.stringMatching(/SUCCESS/) })
  })
})

interface Dashboard {
  panels: { targets?: { expr: string }[] }[]
  templating: { list: { query: { query: string } }[] }
}

/** Every query of every dashboard, those of its variables included. */
function queries(): string[] {
  const folder = join(ROOT, 'deploy/grafana/dashboards')
  const dashboards = readdirSync(folder).map((name): Dashboard => JSON.parse(readFileSync(join(folder, name), 'utf8')))
  return dashboards.flatMap(({ panels, templating }) => [
    ...panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr)),
    ...templating.list.map(({ query }) => queryOfVariable(query.query)),
  ])
}

/** What Grafana asks for the values of a label: the series that have it. */
function queryOfVariable(text: string): string {
  const [, metric, label] = /^label_values\((\w+), (\w+)\)$/.exec(text) ?? []
  if (label === undefined) throw new Error(`the variable asks for ${text}`)
  return `count by (${label}) (${metric}{${label}!=""})`
}

function start(service: 'consumer' | 'producer', env: Record<string, string>): Worker {
  const worker = new Worker(service, { REDIS_URL: inject('redisUrl'), HTTP_PORT: '0', ...env })
  onTestFinished(async () => {
    worker.kill('SIGKILL')
    await worker.exited()
  })
  return worker
}

describe('Prometheus, with a producer and two consumers', () => {
  test.skipIf(skipped)(`answers every query of the dashboard, and evaluates every alert${NEEDS}`, async () => {
    const env = { STREAM: `service_${randomUUID().slice(0, 8)}`, LOG_LEVEL: 'info', WORK_MS: '1' }
    const producer = start('producer', { ...env, INTERVAL_MS: '10', MAX_LENGTH: '100000' })
    const consumers = [start('consumer', env), start('consumer', env)]
    const prometheus = await Prometheus.start({
      targets: {
        producer: [await producer.opsPort()],
        consumer: await Promise.all(consumers.map((consumer) => consumer.opsPort())),
      },
    })
    onTestFinished(() => prometheus.stop())
    // What prometheus-adapter asks for an autoscaler. Pending is a part of it.
    const adapter = read('deploy/kubernetes/prometheus-adapter.yaml')
    const rules = [...adapter.matchAll(/seriesQuery: (\w+)\n(?:.*\n)*? +metricsQuery: (.*)\n/g)]
    expect(rules).toHaveLength(2)
    for (const [, series = '', query = ''] of rules) {
      const asked = query.replaceAll('<<.Series>>', series).replaceAll('<<.LabelMatchers>>', 'group="user_group"')
      const answer = async () => (await prometheus.query(asked)).length === 1
      await until(`an answer to ${asked}`, answer, { timeoutMs: 30_000 })
    }

    const filled = (query: string) => query.replaceAll('$__rate_interval', '10s').replaceAll('$group', '.+')
    expect(queries().length).toBeGreaterThan(25)
    for (const query of queries()) {
      const hasNumbers = async () => {
        const samples = await prometheus.query(filled(query))
        return samples.some(({ value: [, value] }) => value !== 'NaN')
      }
      await until(`an answer to ${query}`, hasNumbers, { timeoutMs: 30_000 })
    }

    const evaluated = async () => {
      const rules = await prometheus.rules()
      return rules.every(({ health }) => health !== 'unknown') && rules
    }
    const alertRules = await until('every alert is evaluated', evaluated, { timeoutMs: 30_000 })
    expect(alertRules.map(({ name, health, lastError }) => [name, health, lastError])).toEqual(
      alertNames.map((name) => [name, 'ok', undefined]),
    )
  })
})
