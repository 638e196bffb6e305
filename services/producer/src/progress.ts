const WIDTH = 40
const EVERY_MS = 50

/** Draws a progress bar on a terminal, and nothing elsewhere. */
export function progressBar(stream: NodeJS.WriteStream): (done: number, total: number) => void {
  if (!stream.isTTY) return () => {}
  let drawnAt = 0
  return (done, total) => {
    const isLast = done === total
    if (!isLast && performance.now() - drawnAt < EVERY_MS) return
    drawnAt = performance.now()
    const filled = Math.round((done / total) * WIDTH)
    stream.write(`\r[${'█'.repeat(filled)}${'·'.repeat(WIDTH - filled)}] ${done}/${total}${isLast ? '\n' : ''}`)
  }
}
