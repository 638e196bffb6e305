import { readFileSync } from 'node:fs'
import { ScaledObject } from '@kubernetes-models/keda/keda.sh/v1alpha1/ScaledObject'
import { TriggerAuthentication } from '@kubernetes-models/keda/keda.sh/v1alpha1/TriggerAuthentication'
import { HorizontalPodAutoscaler } from 'kubernetes-models/autoscaling/v2/HorizontalPodAutoscaler'
import { expect, test } from 'vitest'
import { parse, parseAllDocuments } from 'yaml'

// The manifests against the schemas of KEDA and Kubernetes, without a cluster.

const read = (name: string) => readFileSync(new URL(`../../../../deploy/kubernetes/${name}`, import.meta.url), 'utf8')

/** What is in keda.yaml: how to log in, and what to scale by. */
function keda(text = read('keda.yaml')) {
  const [login, scaled] = parseAllDocuments(text).map((document) => document.toJS())
  return { login: new TriggerAuthentication(login), scaled: new ScaledObject(scaled) }
}

test('keda.yaml fits the schema of KEDA, and has a trigger for the lag and one for what is pending', () => {
  const { scaled } = keda()
  expect(() => scaled.validate()).not.toThrow()
  const triggers = scaled.spec?.triggers ?? []
  expect(triggers.map(({ type }) => type)).toEqual(['redis-streams', 'redis-streams'])
  const [lag, pending] = triggers.map(({ metadata }) => metadata as Record<string, string>)
  expect(Number(lag?.lagCount)).toBeGreaterThan(0)
  expect(Number(pending?.pendingEntriesCount)).toBeGreaterThan(Number(lag?.lagCount))
  for (const name of ['address', 'stream', 'consumerGroup']) expect(lag?.[name]).toBe(pending?.[name])
})

test('keda.yaml names nothing that the scaler for Redis Streams does not know', () => {
  // The schema leaves it open what a trigger holds.
  const known = ['address', 'stream', 'consumerGroup', 'lagCount', 'activationLagCount', 'pendingEntriesCount']
  const triggers = keda().scaled.spec?.triggers ?? []
  for (const { metadata } of triggers) expect(known).toEqual(expect.arrayContaining(Object.keys(metadata)))
})

test('both triggers of keda.yaml log in', () => {
  const { login, scaled } = keda()
  expect(() => login.validate()).not.toThrow()
  expect(login.spec?.secretTargetRef?.map(({ parameter }) => parameter)).toEqual(['username', 'password'])
  const logins = scaled.spec?.triggers.map(({ authenticationRef }) => authenticationRef?.name)
  expect(logins).toEqual([login.metadata?.name, login.metadata?.name])
})

test('the schema of KEDA refuses a number where it wants a string', () => {
  const wrong = read('keda.yaml').replace('lagCount: "100"', 'lagCount: 100')
  expect(() => keda(wrong).scaled.validate()).toThrow(/lagCount must be string/)
})

test('hpa.yaml fits the schema of Kubernetes', () => {
  const scaler = new HorizontalPodAutoscaler(parse(read('hpa.yaml')))
  expect(() => scaler.validate()).not.toThrow()
})

test('hpa.yaml asks for the metrics that prometheus-adapter.yaml offers, with the targets of keda.yaml', () => {
  type Rule = { seriesQuery: string; name?: { as: string } }
  const adapter = parse(read('prometheus-adapter.yaml')) as { rules: { external: Rule[] } }
  const offered = adapter.rules.external.map(({ seriesQuery, name }) => name?.as ?? seriesQuery)
  const scaler = new HorizontalPodAutoscaler(parse(read('hpa.yaml')))
  const asked = scaler.spec?.metrics?.map(({ external }) => [external?.metric.name, external?.target.averageValue])
  const [lag, pending] = keda().scaled.spec?.triggers.map(({ metadata }) => metadata as Record<string, string>) ?? []
  expect(asked).toEqual([
    [offered[0], lag?.lagCount],
    [offered[1], pending?.pendingEntriesCount],
  ])
})

test('prometheus-adapter.yaml counts as held what KEDA counts as pending, which is what XPENDING says', () => {
  const [, held] = parse(read('prometheus-adapter.yaml')).rules.external
  const sum = held.metricsQuery.replaceAll('<<.Series>>', held.seriesQuery).replaceAll('{<<.LabelMatchers>>}', '')
  expect(sum).toBe('max(streams_group_pending + streams_group_waiting_for_retry + streams_group_set_aside)')
})
