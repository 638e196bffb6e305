import { describe, expect, test } from 'vitest'
import { judgeAims } from '../../src/aims.ts'
import type { ContestantName } from '../../src/contestants/index.ts'
import type { TakenSample } from '../../src/results.ts'
import type { Sample } from '../../src/scenario.ts'
import type { ScenarioName } from '../../src/scenarios/index.ts'

const sample = (scenario: ScenarioName, contestant: ContestantName, figures: Sample, round = 1): TakenSample => ({
  ...{ scenario, contestant, round, figures },
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
    ['burst', 'perSecond', 70, 'P1 aim'],
    ['burst', 'perSecond', 69, 'P1 at least'],
    ['burst', 'perSecond', 50, 'P1 at least'],
    ['burst', 'perSecond', 49, 'P1 no'],
    ['publish', 'perSecond', 70, 'P3 aim'],
    ['publish', 'perSecond', 50, 'P3 at least'],
    ['publish', 'perSecond', 49, 'P3 no'],
    ['burst', 'serverCpuUs', 130, 'P5 aim'],
    ['burst', 'serverCpuUs', 170, 'P5 at least'],
    ['burst', 'serverCpuUs', 171, 'P5 no'],
    ['ingest', 'cpuUs', 120, 'P9 aim'],
    ['ingest', 'cpuUs', 121, 'P9 at least'],
    ['ingest', 'cpuUs', 131, 'P9 no'],
  ] as const)(
    '%s: %s of %d beside 100 of the bare loop, or of bare node:http: %s',
    (scenario, figure, ours, verdict) => {
      expect(
        reached([sample(scenario, 'ours', { [figure]: ours }), sample(scenario, 'bare', { [figure]: 100 })]),
      ).toEqual([verdict])
    },
  )

  test.each([
    ['tutorial', 6],
    ['bullmq', 5],
    ['jetstream', 3],
  ] as const)('burst beside %s: %d times its speed', (rival, times) => {
    const beside = (perSecond: number) =>
      reached([sample('burst', 'ours', { perSecond }), sample('burst', rival, { perSecond: 100 })])
    expect(beside(100 * times)).toEqual(['P1 at least'])
    expect(beside(100 * times - 1)).toEqual(['P1 no'])
  })

  test('growth: 1.1 times is the aim, 1.2 the least, of memory too', () => {
    const figures = { backlogTime: 1.1, backlogServer: 1.11, pendingTime: 1.2, pendingServer: 1.21 }
    const memory = { memoryFirstMb: 100, memoryLastMb: 121 }
    const verdicts = ['aim', 'at least', 'at least', 'no', 'no'].map((verdict) => `P6 ${verdict}`)
    expect(reached([sample('growth', 'ours', { ...figures, ...memory })])).toEqual(verdicts)
  })

  test('by the median of the rounds, each compared within itself', () => {
    // The quotient of the medians would be 0.4.
    const of = (contestant: 'ours' | 'bare', speeds: readonly number[]) =>
      speeds.map((perSecond, i) => sample('burst', contestant, { perSecond }, i + 1))
    expect(reached([...of('ours', [60, 40, 10]), ...of('bare', [100, 50, 1_000])])).toEqual(['P1 at least'])
  })

  test('more is better for speeds', () => {
    const samples = [sample('drain', 'ours', { perSecond: 80 }), sample('drain', 'bare', { perSecond: 100 })]
    expect(reached(samples)).toEqual(['P2 aim'])
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
