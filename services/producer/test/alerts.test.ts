import { readFileSync } from 'node:fs'
import { onPath, skipsWithout } from '@redis-streams-processor/testbed'
import { describe, expect, test } from 'vitest'
import { causes } from './support/causes.ts'
import { inSeconds, WatchedSystem } from './support/watched-system.ts'

const rules = readFileSync(new URL('../../../deploy/alerts.yml', import.meta.url), 'utf8')
const skipped = skipsWithout(onPath('prometheus') !== undefined)
const NEEDS = skipped ? ' (skipped: apt-get install prometheus)' : ''

test('each alert has a cause', () => {
  const names = [...rules.matchAll(/^ +- alert: (\w+)$/gm)].map(([, name]) => name)
  const caused = Object.values(causes).flatMap(({ alerts }) => alerts)
  expect([...new Set(caused)].sort()).toEqual(names.sort())
})

test('each duration of the rules is shortened, and nothing else', () => {
  const durations = /(\bfor: |\[)\d+\w+/g
  const lengths = (text: string) => text.match(durations)?.map((duration) => duration.replace(/[ms]$/, ''))
  expect(inSeconds(rules).match(durations)).toSatisfy((all: string[]) => all.every((one) => one.endsWith('s')))
  expect(lengths(inSeconds(rules))).toEqual(lengths(rules))
  expect(inSeconds(rules).replace(durations, '')).toBe(rules.replace(durations, ''))
})

describe.concurrent('an alert fires for its cause, ends with it, and no other fires', () => {
  for (const [what, { alerts, run }] of Object.entries(causes)) {
    test.skipIf(skipped)(`${what}: ${alerts.join(', ')}${NEEDS}`, { timeout: 180_000 }, async () => {
      const system = await WatchedSystem.open()
      try {
        await run(system)
        await system.recovers()
        const { expected, all } = await system.fired()
        expect(all).toEqual(expected)
        expect([...new Set(expected.map((alert) => alert.replace(/\{.*/, '')))]).toEqual([...alerts].sort())
      } finally {
        await system.stop()
      }
    })
  }
})
