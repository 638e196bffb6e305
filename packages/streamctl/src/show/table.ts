import { clean, cut, padEnd, padStart, widthOf, wrap } from './text.ts'

export interface Column<Row> {
  title: string
  of: (row: Row) => string
  /** For numbers. */
  right?: boolean
  /** May be cut, down to this many columns, where the table is too wide. Default: never. */
  min?: number
  /** Only of the last column: what does not fit goes on below, and nothing is cut. */
  wraps?: boolean
}

const GAP = 2

/** Lines of at most `width` columns, as long as the columns that may not be cut leave room. */
export function table<Row>(columns: readonly Column<Row>[], rows: readonly Row[], width: number): string[] {
  const cells = rows.map((row) => columns.map((column) => clean(column.of(row))))
  const widths = columns.map(({ title }, i) => Math.max(widthOf(title), ...cells.map((row) => widthOf(row[i] ?? ''))))
  fit(widths, columns, width)
  const lineOf = (texts: readonly string[]) =>
    columns
      .map(({ right }, i) => {
        const room = widths[i] ?? 0
        const text = cut(texts[i] ?? '', room)
        return right ? padStart(text, room) : padEnd(text, room)
      })
      .join(' '.repeat(GAP))
      .trimEnd()
  const last = columns.length - 1
  const linesOf = (texts: readonly string[]) => {
    if (!columns[last]?.wraps) return [lineOf(texts)]
    const [first = '', ...more] = wrap(texts[last] ?? '', widths[last] ?? 0)
    const others = texts.slice(0, last)
    return [lineOf([...others, first]), ...more.map((line) => lineOf([...others.map(() => ''), line]))]
  }
  return [lineOf(columns.map(({ title }) => title)), ...cells.flatMap(linesOf)]
}

/** Takes from the widest column that may be cut, until the table fits or nothing is left to take. */
function fit(widths: number[], columns: readonly Column<never>[], width: number): void {
  const total = () => widths.reduce((sum, one) => sum + one + GAP, -GAP)
  while (total() > width) {
    const canGive = (i: number) => (widths[i] ?? 0) > (columns[i]?.min ?? Number.POSITIVE_INFINITY)
    const givers = widths.map((_, i) => i).filter(canGive)
    const widest = givers.sort((a, b) => (widths[b] ?? 0) - (widths[a] ?? 0))[0]
    if (widest === undefined) return
    widths[widest] = (widths[widest] ?? 0) - 1
  }
}
