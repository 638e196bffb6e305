import { isatty } from 'node:tty'
import { type Logger, pino, symbols } from 'pino'
import { prettyFactory } from 'pino-pretty'
import { LogOutput } from './log-output.ts'

const WARN = 40

/** The time of a line, as a part of its JSON. Lines of the same millisecond share its text, which costs as much as the rest. */
function newTimestamp(): () => string {
  let writtenMs: number | undefined
  let text = ''
  return () => {
    const nowMs = Date.now()
    if (nowMs !== writtenMs) text = `,"time":"${new Date(nowMs).toISOString()}"`
    writtenMs = nowMs
    return text
  }
}

/** What asks for attention must not be lost with a process that ends a moment later. */
const linesTo = (output: LogOutput) => ({
  // pino tells such a stream the level of each line.
  [symbols.needsMetadataGsym]: true,
  lastLevel: 0,
  write(line: string) {
    output.write(line, this.lastLevel >= WARN)
  },
})

/** JSON lines, or readable ones on a terminal. A line that cannot be written is lost, and stops nothing. */
export function createLogger(service: string, level: string): Logger {
  const options = { level, base: { service }, timestamp: newTimestamp() }
  const output = new LogOutput()
  if (!isatty(1)) return pino({ ...options, formatters: { level: (label) => ({ level: label }) } }, linesTo(output))
  const makeReadable = prettyFactory({ ignore: 'service', translateTime: 'HH:MM:ss.l' })
  return pino(options, { write: (line) => output.write(makeReadable(line), true) })
}
