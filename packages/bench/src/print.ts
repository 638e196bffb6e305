import { type Aim, judgeAims } from './aims.ts'
import { type ContestantName, contestantNames, entrantOf } from './contestants/index.ts'
import { type Results, summaryOf, timesTheBareLoop } from './results.ts'
import type { Figure } from './scenario.ts'
import { type ScenarioName, scenarioNames, scenarioOf } from './scenarios/index.ts'
import type { Summary } from './statistics.ts'

// The results as Markdown, which also reads well on a terminal.

/** Significant digits matter, not decimals: what is large is told without them. */
function numberText(value: number, { decimals = 0 }: Pick<Figure, 'decimals'>): string {
  const digits = Math.abs(value) >= 1_000 ? 0 : decimals
  return value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits })
}

function table(rows: readonly (readonly string[])[]): string {
  const [head = []] = rows
  const widths = head.map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length), 3))
  const line = (row: readonly string[]) =>
    `| ${row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join(' | ')} |`
  const rule = `|${widths.map((width, i) => (i === 0 ? '-'.repeat(width + 2) : `${'-'.repeat(width + 1)}:`)).join('|')}|`
  return [line(head), rule, ...rows.slice(1).map(line)].join('\n')
}

const measuredIn = ({ samples }: Results, scenario: ScenarioName): ContestantName[] =>
  contestantNames.filter((name) => samples.some((s) => s.scenario === scenario && s.contestant === name))

const roundsIn = ({ samples }: Results, scenario: ScenarioName): number =>
  Math.max(...samples.flatMap((sample) => (sample.scenario === scenario ? [sample.round] : [])))

function cell(summary: Summary | undefined, figure: Pick<Figure, 'decimals'>): string {
  if (!summary) return '–'
  const [median, min, max] = [summary.median, summary.min, summary.max].map((value) => numberText(value, figure))
  return min === max ? `${median}` : `${median} (${min}–${max})`
}

/** One scenario: a row for each contestant. */
export function scenarioTable(results: Results, scenario: ScenarioName): string {
  const { about, figures, comparedBy } = scenarioOf(scenario)
  const head = [
    '',
    ...figures.map(({ title, unit }) => `${title}, ${unit}`),
    ...(comparedBy ? ['times the bare loop'] : []),
  ]
  const rows = measuredIn(results, scenario).map((name) => [
    entrantOf(name).title,
    ...figures.map((figure) => cell(summaryOf(results, scenario, name, figure.key), figure)),
    ...(comparedBy ? [cell(timesTheBareLoop(results, scenario, name), { decimals: 2 })] : []),
  ])
  return `### ${scenario}\n\n${about}; ${roundsIn(results, scenario)} rounds\n\n${table([head, ...rows])}`
}

function circumstances({ machine, versions, size, startedAt }: Results): string {
  const { cpu, cores, memoryGib, kernel } = machine
  return [
    ...(size === 'quick' ? ['quick: shows that everything works; its figures say nothing'] : []),
    `${startedAt.slice(0, 10)}; size ${size}; rounds interleaved; median (smallest–largest)`,
    `${cpu}, ${cores} cores, ${memoryGib} GiB, ${kernel}`,
    Object.entries(versions)
      .map(([name, version]) => `${name} ${version}`)
      .join(', '),
  ]
    .map((line) => `- ${line}`)
    .join('\n')
}

function settingsList({ settings, leftOut }: Results): string {
  const set = Object.entries(settings).map(([name, text]) => [name, text] as const)
  const out = Object.entries(leftOut).map(([name, why]) => [name, `left out: ${why}`] as const)
  return [...set, ...out].map(([name, text]) => `- **${entrantOf(name as ContestantName).title}**: ${text}`).join('\n')
}

/** What this project is to reach, and whether it does. */
function aimsTable(aims: readonly Aim[]): string {
  const figure = (value: number | undefined, digits = 2) => value?.toFixed(digits) ?? '–'
  const rows = aims.map(({ name, figure: what, unit, value, aim, atLeast, reached }) => {
    // 4.997 is not shown as 5.00 where 5 is asked for and not reached.
    const isClose = reached === 'no' && figure(value) === figure(atLeast)
    return [`${name} ${what}, ${unit}`, figure(value, isClose ? 3 : 2), figure(aim), figure(atLeast), reached]
  })
  return `### aims\n\n${table([['figure', 'measured', 'aim', 'at least', 'reached'], ...rows])}`
}

export function asMarkdown(results: Results): string {
  const measured = scenarioNames.filter((name) => measuredIn(results, name).length > 0)
  const tables = measured.map((name) => scenarioTable(results, name))
  const aims = judgeAims(results)
  return [circumstances(results), settingsList(results), ...tables, ...(aims.length > 0 ? [aimsTable(aims)] : [])].join(
    '\n\n',
  )
}
