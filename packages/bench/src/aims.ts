import type { ContestantName } from './contestants/index.ts'
import { entrantOf } from './contestants/index.ts'
import { type Results, summaryOf, timesOf } from './results.ts'
import type { ScenarioName } from './scenarios/index.ts'

/** What a figure of this project is to reach, and whether it does. */
export interface Aim {
  name: string
  figure: string
  unit: string
  better: 'less' | 'more'
  value: number
  /** Undefined: only `atLeast` is asked for. */
  aim: number | undefined
  atLeast: number
  reached: 'aim' | 'at least' | 'no'
}

type Samples = Pick<Results, 'samples' | 'size'>
type Median = (scenario: ScenarioName, contestant: ContestantName, figure: string) => number | undefined
type Times = (
  scenario: ScenarioName,
  figure: string,
  which: readonly [ContestantName, ContestantName],
) => number | undefined
/** Undefined values: not measured in this run. */
type Asked = Omit<Aim, 'reached' | 'value' | 'atLeast'> & { value: number | undefined; atLeast: number | undefined }

/**
 * Judges each figure that was measured, by medians. What is compared with another contestant is compared within each round,
 * but for the latency (P4), whose limits come from the median of the bare loop; the growth of memory (P6) is that of two
 * medians. None of a quick run, whose figures say nothing.
 */
export function judgeAims(results: Samples): Aim[] {
  if (results.size === 'quick') return []
  const median: Median = (...which) => summaryOf(results, ...which)?.median
  const times: Times = (...which) => timesOf(results, ...which)?.median
  return askedOf(median, times).flatMap((asked) => {
    const { value, atLeast } = asked
    return value === undefined || atLeast === undefined ? [] : [judge({ ...asked, value, atLeast })]
  })
}

function askedOf(median: Median, times: Times): Asked[] {
  const growth = (name: string, figure: string, value: number | undefined): Asked => ({
    ...{ name, figure, unit: 'times', better: 'less', value, aim: 1.1, atLeast: 1.2 },
  })
  const grown = (figure: string) => median('growth', 'ours', figure)
  return [
    speed('P1', 'burst', 'bare', { aim: 0.7, atLeast: 0.5 }, times),
    speed('P1', 'burst', 'tutorial', { atLeast: 6 }, times),
    speed('P1', 'burst', 'bullmq', { atLeast: 5 }, times),
    speed('P1', 'burst', 'jetstream', { atLeast: 3 }, times),
    speed('P2', 'drain', 'bare', { aim: 0.7, atLeast: 0.5 }, times),
    speed('P3', 'publish', 'bare', { aim: 0.7, atLeast: 0.5 }, times),
    delay('latency, median', 'p50', 0.5, median),
    delay('latency, 99th percentile', 'p99', 2, median),
    {
      ...{ name: 'P5', figure: 'Redis CPU of an event in burst, against the bare loop', unit: 'times', better: 'less' },
      value: times('burst', 'serverCpuUs', ['ours', 'bare']),
      ...{ aim: 1.3, atLeast: 1.7 },
    },
    growth('P6', 'time of an event beside a large backlog, against a small one', grown('backlogTime')),
    growth('P6', 'Redis CPU of an event, likewise', grown('backlogServer')),
    growth('P6', 'time of an event beside a large pending list, against a small one', grown('pendingTime')),
    growth('P6', 'Redis CPU of an event, likewise', grown('pendingServer')),
    growth(
      'P6',
      "a consumer's memory after all events, against after a tenth of them",
      quotient(grown('memoryLastMb'), grown('memoryFirstMb')),
    ),
    {
      ...{ name: 'P7', figure: 'client commands of an idle consumer', unit: '/s', better: 'less' },
      ...{ value: median('idle', 'ours', 'commands'), aim: 2, atLeast: 5 },
    },
    {
      ...{ name: 'P7', figure: 'Redis CPU of three idle consumers', unit: '%', better: 'less' },
      ...{ value: median('idle', 'ours', 'serverCpu'), aim: 0.2, atLeast: 0.5 },
    },
    {
      ...{ name: 'P8', figure: 'resident memory of a consumer at rest', unit: 'MB', better: 'less' },
      ...{ value: median('memory', 'ours', 'atRestMb'), aim: 60, atLeast: 80 },
    },
    {
      ...{ name: 'P9', figure: 'CPU of a signed webhook, against bare node:http', unit: 'times', better: 'less' },
      value: times('ingest', 'cpuUs', ['ours', 'bare']),
      ...{ aim: 1.2, atLeast: 1.3 },
    },
  ]
}

function speed(
  name: string,
  scenario: ScenarioName,
  rival: ContestantName,
  { aim, atLeast }: { aim?: number; atLeast: number },
  times: Times,
): Asked {
  return {
    name,
    figure: `${scenario}, speed against ${entrantOf(rival).title}`,
    unit: 'times',
    better: 'more',
    value: times(scenario, 'perSecond', ['ours', rival]),
    aim,
    atLeast,
  }
}

/** The aim is so many milliseconds more than the bare loop needs, the least is half as much again. */
function delay(figure: string, key: string, moreMs: number, median: Median): Asked {
  const bare = median('latency', 'bare', key)
  return {
    ...{ name: 'P4', figure, unit: 'ms', better: 'less', value: median('latency', 'ours', key) },
    aim: bare === undefined ? undefined : bare + moreMs,
    atLeast: bare === undefined ? undefined : bare * 1.5,
  }
}

function judge(measured: Omit<Aim, 'reached'>): Aim {
  const { value, aim, atLeast, better } = measured
  const meets = (limit: number) => (better === 'less' ? value <= limit : value >= limit)
  if (aim !== undefined && meets(aim)) return { ...measured, reached: 'aim' }
  return { ...measured, reached: meets(atLeast) ? 'at least' : 'no' }
}

function quotient(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? undefined : a / b
}
