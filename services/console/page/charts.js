import uPlot from '/vendor/uplot.js'
import { age, clock, count, rate } from './format.js'
import { lagOf } from './groups.js'
import { html, useEffect, useRef, useState } from './html.js'

const HOUR_S = 3_600
const SHORTEST_S = 120
const HEIGHT = 72

/** What is drawn: its name, how a figure is read, and how it is written. */
const KINDS = [
  { name: 'Lag', hint: 'not delivered yet', read: ({ lag }) => lag, write: count },
  {
    name: 'Settled',
    hint: 'per second',
    read: ({ settledPerSecond }) => settledPerSecond,
    write: rate,
  },
  {
    name: 'Failed',
    hint: 'per second',
    read: ({ failedPerSecond }) => failedPerSecond,
    write: rate,
    tone: 'bad',
  },
  { name: 'Pending', hint: 'held by consumers', read: ({ pending }) => pending, write: count },
  {
    name: 'Waiting for retry',
    hint: 'parked',
    read: ({ waitingForRetry }) => waitingForRetry,
    write: count,
    tone: 'warn',
  },
  {
    name: 'Oldest',
    hint: 'not acknowledged',
    read: ({ oldestUnhandledMs }) => oldestUnhandledMs,
    write: age,
    tone: 'warn',
  },
]

/** The last hour of a group. */
export function Charts({ group, samples, nowMs }) {
  const points = [...samples, { ...group, at: nowMs }]
  return html`
    <div class="charts">
      ${KINDS.map((kind) => {
        const text = kind.name === 'Lag' ? lagOf(group) : kind.write(kind.read(group))
        return html`<${Chart} key=${kind.name} kind=${kind} points=${points} text=${text} nowMs=${nowMs} />`
      })}
    </div>
  `
}

function Chart({ kind, points, text, nowMs }) {
  const place = useRef()
  const plot = useRef()
  const [under, setUnder] = useState()
  const dark = useDark()
  useEffect(() => {
    const chart = new uPlot(optionsFor(kind, place.current, setUnder), [[], []], place.current)
    plot.current = chart
    const sizes = new ResizeObserver(() => chart.setSize({ width: place.current.clientWidth, height: HEIGHT }))
    sizes.observe(place.current)
    return () => {
      sizes.disconnect()
      chart.destroy()
    }
  }, [dark])
  useEffect(() => {
    const now = nowMs / 1_000
    plot.current.setData([points.map(({ at }) => at / 1_000), points.map((point) => kind.read(point) ?? null)], false)
    // An hour that has only begun fills the width all the same.
    const first = points[0].at / 1_000
    plot.current.setScale('x', { min: Math.max(now - HOUR_S, Math.min(first, now - SHORTEST_S)), max: now })
  }, [points, dark])
  const known = points.map(kind.read).filter((value) => typeof value === 'number')
  const peak = known.length > 0 ? kind.write(Math.max(...known)) : '–'
  return html`
    <figure class="chart">
      <figcaption>
        <span class="name">${kind.name} <small>${kind.hint}</small></span>
        <span class="value">${under ? under.text : text}</span>
        <span class="peak">${under ? `at ${under.at}` : `peak ${peak} since ${clock(points[0].at).slice(0, 5)}`}</span>
      </figcaption>
      <div class="plot" ref=${place} aria-hidden="true"></div>
    </figure>
  `
}

function optionsFor({ write, tone }, place, setUnder) {
  const style = getComputedStyle(place)
  const color = (name) => style.getPropertyValue(name).trim()
  const stroke = color(tone === 'bad' ? '--bad' : tone === 'warn' ? '--warn' : '--accent')
  const tell = ({ cursor: { idx }, data: [times, values] }) => {
    const value = values[idx]
    setUnder(typeof value === 'number' ? { text: write(value), at: clock(times[idx] * 1_000) } : undefined)
  }
  return {
    ...{ width: place.clientWidth || 200, height: HEIGHT, padding: [6, 0, 2, 0] },
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { size: 6 }, sync: { key: 'hour' } },
    scales: { x: { time: true, auto: false }, y: { range: (_, __, max) => [0, Math.max(max ?? 0, 1) * 1.1] } },
    axes: [{ show: false }, { show: false }],
    series: [
      {},
      { stroke, width: 1.5, fill: color(`--${tone ?? 'accent'}-wash`), points: { show: false }, spanGaps: false },
    ],
    hooks: { setCursor: [tell] },
  }
}

function useDark() {
  const query = matchMedia('(prefers-color-scheme: dark)')
  const [isDark, setDark] = useState(query.matches)
  useEffect(() => {
    const follow = () => setDark(query.matches)
    query.addEventListener('change', follow)
    return () => query.removeEventListener('change', follow)
  }, [])
  return isDark
}
