import { describe, expect, test } from 'vitest'
import { judgeAims } from '../../src/aims.ts'
import type { ContestantName } from '../../src/contestants/index.ts'
import type { TakenSample } from '../../src/results.ts'
import type { Sample } from '../../src/scenario.ts'
import type { ScenarioName } from '../../src/scenarios/index.ts'

const sample = (scenario: ScenarioName, contestant: ContestantName, figures: Sample): TakenSample => ({
  ...{ scenario, contestant, round: 1, figures },
})

const reached = (samples: TakenSample[]) =>
  judgeAims({ samples, size: 'normal' }).map(({ name, reached }) => `${name} ${reached}`)

describe('aims', () => {
  test('what was not measured is neither reached nor missed', () => {
    expect(reached([])).toEqual([])
    expect(reached([sample('burst', 'ours', { ms: 100 })])).toEqual([])
  })

  test('a quick run is not judged', () => {
    expect(judgeAims({ samples: [sample('memory', 'ours', { atRestMb: 50 })], size: 'quick' })).toEqual([])
  })

  test.each([
    [142, 'aim'],
    [143, 'at least'],
    [200, 'at least'],
    [201, 'no'],
  ])('burst: %d ms beside 100 of the bare loop: %s', (ms, verdict) => {
    expect(reached([sample('burst', 'ours', { ms }), sample('burst', 'bare', { ms: 100 })])).toEqual([`P1 ${verdict}`])
  })

  test('by the median of the rounds', () => {
    const ours = [1_000, 150, 160].map((ms) => sample('burst', 'ours', { ms }))
    expect(reached([...ours, sample('burst', 'bare', { ms: 100 })])).toEqual(['P1 at least'])
  })

  test('more is better for speeds', () => {
    const samples = [sample('drain', 'ours', { perSecond: 80 }), sample('drain', 'bare', { perSecond: 100 })]
    expect(reached(samples)).toEqual(['P2 aim'])
  })

  test.each([
    [120, 'aim'],
    [121, 'at least'],
    [131, 'no'],
  ])('ingest: %d µs of CPU beside 100 of bare node:http: %s', (cpuUs, verdict) => {
    expect(reached([sample('ingest', 'ours', { cpuUs }), sample('ingest', 'bare', { cpuUs: 100 })])).toEqual([
      `P9 ${verdict}`,
    ])
  })

  test('latency: the aim is the bare loop’s and a bit, the least is half as much again', () => {
    const samples = [sample('latency', 'ours', { p50: 1.4, p99: 14 }), sample('latency', 'bare', { p50: 1, p99: 9 })]
    expect(reached(samples)).toEqual(['P4 aim', 'P4 no'])
  })

  test('what is absolute needs no bare loop', () => {
    const samples = [
      sample('idle', 'ours', { commands: 3, serverCpu: 0.1 }),
      sample('memory', 'ours', { atRestMb: 90 }),
    ]
    expect(reached(samples)).toEqual(['P7 at least', 'P7 aim', 'P8 no'])
  })
})
