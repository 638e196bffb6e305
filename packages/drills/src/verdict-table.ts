/** Rows of name and value, aligned. */
export function table(rows: readonly (readonly [name: string, value: string | number])[]): string {
  const width = Math.max(...rows.map(([name]) => name.length))
  return rows.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`).join('\n')
}

const WIDTH = 40

/** A progress bar on the terminal of standard error; nothing elsewhere. */
export function drawProgress(label: string, done: number, total: number): void {
  if (!process.stderr.isTTY) return
  const filled = Math.round((Math.min(done, total) / total) * WIDTH)
  process.stderr.write(`\r${label} [${'█'.repeat(filled)}${'·'.repeat(WIDTH - filled)}] ${done}/${total} `)
}

export function endProgress(): void {
  if (process.stderr.isTTY) process.stderr.write('\n')
}
