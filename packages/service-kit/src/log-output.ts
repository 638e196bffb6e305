import { constants, fstatSync, openSync, writeSync } from 'node:fs'
import { isatty } from 'node:tty'

const STDOUT = 1
/** Lines that standard output does not take yet wait. More than this is not kept: further lines are lost. */
const MAX_WAITING_BYTES = 8_388_608
const RETRY_MS = 50
/** Linux keeps a write to a pipe together up to this size (PIPE_BUF), whoever else writes to the same one. */
const MAX_WRITE_BYTES = 4_096
/** How long the end of the process is held up for lines that wait. */
const EXIT_MS = 1_000

/** How long a line that is not urgent waits for others, to be written together with them. */
const GATHER_MS = 5

/**
 * Standard output for log lines. A log that cannot be written must not stop the service: lines are lost instead, which
 * standard error is told once. An urgent line, and what waits, is handed to the operating system before `write` returns,
 * if it takes them; the others wait a moment and are written together, because each write costs as much as making a line.
 */
export class LogOutput {
  readonly #file = openStdout()
  readonly #waiting: Buffer[] = []
  #waitingBytes = 0
  #next: NodeJS.Timeout | undefined
  #hasLost = false

  constructor() {
    process.once('exit', () => this.#flushAtExit())
  }

  write(line: string, isUrgent: boolean): void {
    const bytes = Buffer.from(line)
    if (this.#waitingBytes + bytes.length > MAX_WAITING_BYTES) return this.#lose('it is not read')
    this.#waiting.push(bytes)
    this.#waitingBytes += bytes.length
    if (isUrgent) this.#flush()
    else this.#flushIn(GATHER_MS)
  }

  /** Writes what waits, until a write would block. */
  #flush(): void {
    while (this.#waiting.length > 0) {
      const bytes = this.#takeSome()
      const written = this.#tryToWrite(bytes)
      if (written !== bytes.length) this.#waiting.unshift(bytes.subarray(written))
      if (written === undefined) return this.#flushIn(RETRY_MS)
      this.#waitingBytes -= written
    }
  }

  /** The oldest lines, as many as are written together. */
  #takeSome(): Buffer {
    let [count, size] = [0, 0]
    for (const { length } of this.#waiting) {
      if (count > 0 && size + length > MAX_WRITE_BYTES) break
      count += 1
      size += length
    }
    return Buffer.concat(this.#waiting.splice(0, count))
  }

  /** Returns how many bytes are done with, written or lost, and nothing when the write would block. */
  #tryToWrite(bytes: Buffer): number | undefined {
    try {
      return writeSync(this.#file, bytes)
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException
      if (code === 'EAGAIN') return undefined
      this.#lose(message)
      return bytes.length
    }
  }

  #flushIn(ms: number): void {
    this.#next ??= setTimeout(() => {
      this.#next = undefined
      this.#flush()
    }, ms).unref()
  }

  // At the exit there are no timers any more: it looks again and again.
  #flushAtExit(): void {
    const nap = new Int32Array(new SharedArrayBuffer(4))
    const until = performance.now() + EXIT_MS
    for (this.#flush(); this.#waiting.length > 0 && performance.now() < until; this.#flush())
      Atomics.wait(nap, 0, 0, 10)
    if (this.#waiting.length > 0) this.#lose('it is not read')
  }

  #lose(why: string): void {
    if (this.#hasLost) return
    this.#hasLost = true
    console.error(`Log lines are lost, because standard output does not take them: ${why}`)
  }
}

/**
 * Standard output in a way that a write which would block fails instead (EAGAIN). A pipe and a terminal are opened once
 * more: other processes may write to the same one, and must neither be affected by this nor undo it.
 */
function openStdout(): number {
  try {
    const { O_WRONLY, O_NONBLOCK, O_NOCTTY } = constants
    if (isatty(STDOUT) || fstatSync(STDOUT).isFIFO()) return openSync('/dev/stdout', O_WRONLY | O_NONBLOCK | O_NOCTTY)
  } catch {
    // A pipe of another user's, or one that nobody reads any more.
  }
  // Node itself sees to this for pipes and sockets, as soon as its own stream is asked for.
  void process.stdout
  return STDOUT
}
