import { type Logger, pino } from 'pino'
import pretty from 'pino-pretty'

/** JSON lines, or readable ones on a terminal. */
export function createLogger(service: string, level: string): Logger {
  const options = { level, base: { service }, timestamp: pino.stdTimeFunctions.isoTime }
  if (!process.stdout.isTTY) return pino({ ...options, formatters: { level: (label) => ({ level: label }) } })
  return pino(options, pretty({ ignore: 'service', translateTime: 'HH:MM:ss.l', sync: true }))
}
