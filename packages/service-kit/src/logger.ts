import { isatty } from 'node:tty'
import { type Logger, pino } from 'pino'
import { prettyFactory } from 'pino-pretty'
import { LogOutput } from './log-output.ts'

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

/** JSON lines, or readable ones on a terminal. A line that cannot be written is lost, and stops nothing. */
export function createLogger(service: string, level: string): Logger {
  const options = { level, base: { service }, timestamp: newTimestamp() }
  const output = new LogOutput()
  if (!isatty(1)) return pino({ ...options, formatters: { level: (label) => ({ level: label }) } }, output)
  const makeReadable = prettyFactory({ ignore: 'service', translateTime: 'HH:MM:ss.l' })
  return pino(options, { write: (line) => output.write(makeReadable(line)) })
}
