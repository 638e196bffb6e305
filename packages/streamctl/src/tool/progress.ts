/** A line on the terminal that says how far the work is. */
export interface Progress {
  say(text: string): void
  /** Takes the line away. */
  end(): void
}

const EVERY_MS = 100
const CLEAR = '\r\u001b[K'

export function newProgress(isSilent: boolean): Progress {
  if (isSilent || !process.stderr.isTTY) return { say() {}, end() {} }
  let saidAt = Number.NEGATIVE_INFINITY
  let isThere = false
  return {
    say(text) {
      if (performance.now() - saidAt < EVERY_MS) return
      saidAt = performance.now()
      isThere = true
      process.stderr.write(`${CLEAR}${text}`)
    },
    end() {
      if (isThere) process.stderr.write(CLEAR)
    },
  }
}
