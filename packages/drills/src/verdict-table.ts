import type { Verdict } from './judge.ts'
import type { DrillVerdict } from './run-drill.ts'

type Row = readonly [name: string, value: string | number]

/** One verdict in full, a line for each fact, with what else is to be told of it. */
export function inFull(verdict: Verdict, more: readonly Row[]): string {
  const { deadLetters, wronglyDeadLettered, missingDeadLetters } = verdict
  const rows: Row[] = [
    ['published', verdict.published],
    ['handled', verdict.handled],
    ['lost', [verdict.lost, ...verdict.lostIds.slice(0, 5)].join(' ')],
    ['handled twice', verdict.handledTwice],
    ['dead letters', `${deadLetters} (${wronglyDeadLettered} wrong, ${missingDeadLetters} missing)`],
    ['duplicate publishes', verdict.duplicates],
    ['still to do', verdict.openWork],
    ...more,
    ['verdict', verdict.passed ? 'passed: nothing lost' : 'FAILED'],
  ]
  const width = Math.max(...rows.map(([name]) => name.length))
  return rows.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`).join('\n')
}

const columns: [head: string, width: number, of: (verdict: DrillVerdict) => string | number][] = [
  ['drill', 18, ({ drill }) => drill],
  ['faults', 6, ({ faults }) => faults],
  ['published', 9, ({ published }) => published],
  ['handled', 8, ({ handled }) => handled],
  ['lost', 4, ({ lost }) => lost],
  ['doubled', 7, ({ effectsDoubled }) => effectsDoubled],
  ['redelivered', 11, ({ redelivered }) => redelivered],
  ['wrongly dead', 12, ({ wronglyDeadLettered }) => wronglyDeadLettered],
  ['still to do', 11, ({ openWork }) => openWork],
  [
    'recovery ms (median/p99/worst)',
    30,
    ({ recovery: { timed, medianMs, p99Ms, worstMs } }) => (timed > 0 ? `${medianMs} / ${p99Ms} / ${worstMs}` : '–'),
  ],
  ['verdict', 7, ({ passed }) => (passed ? 'passed' : 'FAILED')],
]
const line = (cells: (string | number)[]) =>
  cells
    .map((cell, i) => String(cell).padEnd(columns[i]?.[1] ?? 0))
    .join('  ')
    .trimEnd()

/** A verdict in one line, below this heading. */
export const heading = line(columns.map(([head]) => head))
export const inShort = (verdict: DrillVerdict): string => line(columns.map(([, , of]) => of(verdict)))
