import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { settingsSchema } from '../../../producer/src/settings.ts'

// What docker-compose.yml publishes, and what Prometheus finds there, without Docker.

interface Service {
  profiles?: string[]
  ports?: string[]
  networks?: string[]
  environment?: Record<string, unknown>
  healthcheck?: { test: string[] }
  volumes?: string[]
  command?: string[]
}

interface Compose {
  services: Record<string, Service>
  networks: Record<string, { internal?: boolean } | null>
}

interface PrometheusConfig {
  rule_files: string[]
  scrape_configs: { job_name: string; dns_sd_configs: { names: string[]; type: string; port: number }[] }[]
}

const textOf = (path: string) => readFileSync(new URL(`../../../../${path}`, import.meta.url), 'utf8')
const read = (path: string) => parse(textOf(path), { merge: true })
const { services, networks } = read('docker-compose.yml') as Compose
const prometheus = read('deploy/prometheus.yml') as PrometheusConfig
const published = Object.entries(services).flatMap(([name, { ports = [], profiles = [] }]) =>
  ports.map((port) => ({ name, port, isProfile: profiles.length > 0 })),
)

test('the port of the webhooks is the only one that is published without a profile', () => {
  const always = published.filter(({ isProfile }) => !isProfile)
  // biome-ignore lint/suspicious/noTemplateCurlyInString: Compose fills it in.
  expect(always).toMatchObject([{ name: 'producer', port: '${HTTP_PORT:-3000}:3000' }])
})

test('with a profile, a port can be reached from this machine alone; the one for operations is never published', () => {
  const others = published.filter(({ isProfile }) => isProfile)
  expect(others.map(({ name }) => name)).toEqual(['console', 'prometheus', 'grafana'])
  for (const { port } of others) expect(port).toMatch(/^127\.0\.0\.1:/)
  for (const { port } of published) expect(port).not.toMatch(/:9464$/)
})

test('Redis is in the network alone that nobody outside reaches', () => {
  expect(services.redis?.networks).toEqual(['backend'])
  expect(networks.backend).toEqual({ internal: true })
})

test('each service that has a port for operations is checked there', () => {
  const checked = Object.entries(services).filter(([, { environment }]) => environment?.OPS_PORT !== undefined)
  // It runs one command, and is gone.
  const names = checked.map(([name]) => name).filter((name) => name !== 'streamctl')
  expect(names).toEqual(['producer', 'consumer', 'billing', 'analytics', 'console'])
  for (const name of names) expect(services[name]?.healthcheck?.test.at(-1)).toContain(':9464/livez')
})

test('Prometheus finds the metrics of producers and consumers, and its rules', () => {
  const targets = prometheus.scrape_configs.flatMap(({ dns_sd_configs }) =>
    dns_sd_configs.flatMap(({ names, port }) => names.map((name) => ({ name, port }))),
  )
  expect(targets.map(({ name }) => name)).toEqual(['producer', 'consumer', 'billing', 'analytics'])
  const { networks = [], volumes = [], command = [] } = services.prometheus ?? {}
  for (const { name, port } of targets) {
    expect(services[name]?.environment).toMatchObject({ OPS_PORT: port, OPS_HOST: '0.0.0.0' })
    expect(services[name]?.networks?.filter((network) => networks.includes(network))).toEqual(['backend'])
  }
  expect(command).toContain('--config.file=/etc/prometheus/prometheus.yml')
  for (const file of ['prometheus.yml', ...prometheus.rule_files])
    expect(volumes).toContain(`./deploy/${file}:/etc/prometheus/${file}:ro,z`)
})

test('what docs/operations.md shows makes a Docker secret of the secret of a source', () => {
  const [, shown = ''] = /```yaml\n(services:\n {2}producer:.*?)```/s.exec(textOf('docs/operations.md')) ?? []
  const { services, secrets } = parse(shown)
  const settings = Object.entries(services.producer.environment)
  expect(settings).not.toEqual([])
  for (const [name] of settings) expect(Object.keys(settingsSchema.shape)).toContain(name)
  expect(settings.map(([, path]) => path)).toEqual(Object.keys(secrets).map((name) => `/run/secrets/${name}`))
  expect(services.producer.secrets).toEqual(Object.keys(secrets))
})
