/** A bar on the terminal that says how far long work is. */
export interface Progress {
  /** False: nobody sees the bar, and what only it tells need not be found out. */
  readonly isSeen: boolean
  /** @param of What is done at the end, or at most. @param what In words, e.g. `letters redriven`. */
  say(what: string, done: number, of: number): void
  /** Takes the bar away. */
  end(): void
}

const EVERY_MS = 100
const CLEAR = '\r\u001b[K'
const WIDTH = 24
/** When the bar that the terminal shows was drawn; undefined while it shows none. */
let drawnAt: number | undefined

export function newProgress(isSilent: boolean): Progress {
  if (isSilent || !process.stderr.isTTY) return { isSeen: false, say() {}, end() {} }
  return {
    isSeen: true,
    say(what, done, of) {
      if (drawnAt !== undefined && performance.now() - drawnAt < EVERY_MS) return
      drawnAt = performance.now()
      process.stderr.write(`${CLEAR}${barOf(what, done, of)}`)
    },
    end: endBar,
  }
}

/** Takes the bar away that the terminal shows, if any: by whomever it was drawn. */
export function endBar(): void {
  if (drawnAt !== undefined) process.stderr.write(CLEAR)
  drawnAt = undefined
}

/** At most 79 columns wide, so that no terminal breaks the line. */
export function barOf(what: string, done: number, of: number): string {
  const share = of > 0 ? Math.min(1, done / of) : 1
  const filled = Math.round(share * WIDTH)
  const bar = `${'█'.repeat(filled)}${'·'.repeat(WIDTH - filled)}`
  const counted = `${done.toLocaleString('en')} of ${of.toLocaleString('en')}`
  return `[${bar}] ${Math.floor(share * 100)} %  ${counted} ${what}`.slice(0, 79)
}
