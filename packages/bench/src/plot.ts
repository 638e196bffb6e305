import * as echarts from 'echarts'
import { contestantNames, entrantOf } from './contestants/index.ts'
import { type Results, timesTheBareLoop } from './results.ts'
import type { ScenarioName } from './scenarios/index.ts'

const PLOTTED: readonly ScenarioName[] = ['burst', 'drain', 'publish']
const COLORS = ['#2563eb', '#0d9488', '#d97706']
/** Readable on a white page and on a dark one. */
const INK = '#6b7280'
const WIDTH = 860
const ROW_HEIGHT = 60
const FRAME = { top: 70, bottom: 46, left: 120, right: 40 }

/** A bar chart: how fast each contestant is, against the bare loop. Undefined: nothing of that was measured. */
export function drawSpeeds(results: Results): string | undefined {
  const names = contestantNames.filter((name) => PLOTTED.some((scenario) => timesTheBareLoop(results, scenario, name)))
  const plotted = PLOTTED.filter((scenario) => names.some((name) => timesTheBareLoop(results, scenario, name)))
  if (plotted.length === 0) return undefined
  const height = FRAME.top + FRAME.bottom + names.length * ROW_HEIGHT
  const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, width: WIDTH, height })
  const text = { color: INK, fontFamily: 'system-ui, sans-serif', fontSize: 13 }
  chart.setOption({
    animation: false,
    color: COLORS,
    title: {
      text: 'Speed against the bare loop (= 1), one machine, median; more is better',
      left: 'center',
      textStyle: { ...text, fontSize: 15, fontWeight: 600 },
    },
    legend: { top: 32, itemGap: 24, itemWidth: 14, itemHeight: 10, textStyle: text, data: [...plotted] },
    grid: FRAME,
    xAxis: { type: 'value', min: 0, axisLabel: text, splitLine: { lineStyle: { color: INK, opacity: 0.2 } } },
    yAxis: {
      type: 'category',
      inverse: true,
      data: names.map((name) => entrantOf(name).title),
      axisLabel: {
        ...text,
        formatter: (title: string) => (title === entrantOf('ours').title ? `{ours|${title}}` : title),
        rich: { ours: { ...text, fontWeight: 700 } },
      },
      axisTick: { show: false },
      axisLine: { lineStyle: { color: INK } },
    },
    series: plotted.map((scenario) => ({
      type: 'bar',
      name: scenario,
      barGap: '25%',
      barCategoryGap: '26%',
      data: names.map((name) => timesTheBareLoop(results, scenario, name)?.median ?? null),
      label: {
        ...{ show: true, position: 'right', distance: 4, color: INK, fontSize: 11, fontFamily: text.fontFamily },
        formatter: ({ value }: { value: unknown }) => (typeof value === 'number' ? value.toFixed(2) : ''),
      },
    })),
  } as echarts.EChartsCoreOption)
  const svg = chart.renderToSVGString()
  chart.dispose()
  return svg
}
