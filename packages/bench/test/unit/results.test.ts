import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { judgeAims } from '../../src/aims.ts'
import type { ContestantName } from '../../src/contestants/index.ts'
import { asMarkdown } from '../../src/print.ts'
import { type Results, type TakenSample, timesTheBareLoop } from '../../src/results.ts'
import type { Sample } from '../../src/scenario.ts'
import type { ScenarioName } from '../../src/scenarios/index.ts'

const sample = (scenario: ScenarioName, contestant: ContestantName, figures: Sample, round = 1): TakenSample => ({
  ...{ scenario, contestant, round, figures },
})

describe('times the bare loop', () => {
  test.each([
    ['a speed', 'drain', { perSecond: 50 }, { perSecond: 100 }],
    ['a time', 'latency', { p50: 2 }, { p50: 1 }],
    ['CPU', 'ingest', { cpuUs: 200 }, { cpuUs: 100 }],
  ] as const)('half as good is 0.5, by %s', (_, scenario, ours, bare) => {
    const samples = [sample(scenario, 'ours', ours), sample(scenario, 'bare', bare)]
    expect(timesTheBareLoop({ samples }, scenario, 'ours')?.median).toBe(0.5)
  })

  test('a round in which one of the two is missing does not count', () => {
    const samples = [
      sample('drain', 'ours', { perSecond: 50 }),
      sample('drain', 'bare', { perSecond: 100 }),
      sample('drain', 'ours', { perSecond: 90 }, 2),
    ]
    expect(timesTheBareLoop({ samples }, 'drain', 'ours')).toMatchObject({ median: 0.5, max: 0.5 })
  })

  test('scenarios that compare nothing have none', () => {
    expect(timesTheBareLoop({ samples: [sample('idle', 'ours', { commands: 3 })] }, 'idle', 'ours')).toBeUndefined()
  })
})

describe('docs/benchmarks.md', () => {
  const docs = new URL('../../../../docs/', import.meta.url)
  const text = readFileSync(new URL('benchmarks.md', docs), 'utf8')
  const { aims, ...results } = JSON.parse(readFileSync(new URL('benchmarks.json', docs), 'utf8')) as Results & {
    aims: unknown
  }

  test('has the tables of docs/benchmarks.json, and says of each how many rounds it took', () => {
    const lines = asMarkdown(results)
      .split('\n')
      .filter((line) => line.startsWith('| ') || / rounds$/.test(line))
    expect(lines.length).toBeGreaterThan(80)
    expect(lines.filter((line) => !text.includes(line))).toEqual([])
  })

  test('the aims in that file are those that the present code finds in it', () => {
    expect(aims).toEqual(JSON.parse(JSON.stringify(judgeAims(results))))
  })
})
