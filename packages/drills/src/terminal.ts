import type { GroupView } from '@redis-streams-processor/testbed'

// What a run tells a person meanwhile: on standard error, so that standard output has nothing but the verdict.

const WIDTH = 40

export function say(text: string): void {
  endProgress()
  console.error(text)
}

/** A progress bar, on a terminal only. */
export function drawProgress(label: string, done: number, total: number): void {
  if (!process.stderr.isTTY || total === 0) return
  const filled = Math.round((Math.min(done, total) / total) * WIDTH)
  process.stderr.write(`\r${label} [${'█'.repeat(filled)}${'·'.repeat(WIDTH - filled)}] ${done}/${total} `)
}

/** Clears the bar. */
export function endProgress(): void {
  if (process.stderr.isTTY) process.stderr.write('\r\x1b[K')
}

/** Draws the bar; returns how many entries are handled, and whether nothing is left to do in these groups. */
export async function drawAndCount(groups: readonly GroupView[]): Promise<{ handled: number; isDone: boolean }> {
  const states = await Promise.all(groups.map((group) => group.state()))
  const sum = (of: (state: (typeof states)[number]) => number) => states.reduce((sum, state) => sum + of(state), 0)
  const [handled, openWork] = [sum(({ delivered, pending }) => delivered - pending), sum((state) => state.openWork)]
  drawProgress('handled', handled, handled + openWork)
  return { handled, isDone: openWork === 0 }
}
