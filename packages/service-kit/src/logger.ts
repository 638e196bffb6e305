import { isatty } from 'node:tty'
import { type Logger, pino } from 'pino'
import { prettyFactory } from 'pino-pretty'
import { LogOutput } from './log-output.ts'

/** JSON lines, or readable ones on a terminal. A line that cannot be written is lost, and stops nothing. */
export function createLogger(service: string, level: string): Logger {
  const options = { level, base: { service }, timestamp: pino.stdTimeFunctions.isoTime }
  const output = new LogOutput()
  if (!isatty(1)) return pino({ ...options, formatters: { level: (label) => ({ level: label }) } }, output)
  const makeReadable = prettyFactory({ ignore: 'service', translateTime: 'HH:MM:ss.l' })
  return pino(options, { write: (line) => output.write(makeReadable(line)) })
}
