import { messageOf } from '../base/errors.ts'
import type { Outcome } from '../define/outcome.ts'
import type { Report, SettledReport } from './report.ts'

/** The part of a pino logger that is used here. */
export interface Logger {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/** Connections that are lost, each with the text of its error. */
type Lost = Map<string, string | undefined>

/** Writes each report as one log line, ids and outcomes, never data; an outage of several connections as one. */
export function newLog(logger: Logger): (report: Report) => void {
  const lost: Lost = new Map()
  return (report) => logReport(logger, lost, report)
}

function logReport(logger: Logger, lost: Lost, report: Report): void {
  switch (report.kind) {
    case 'settled':
      return logSettled(logger, report)
    case 'started':
      return logger.info(fieldsOf(report), 'consumer started')
    case 'stopped':
      return logger.info(fieldsOf(report), 'consumer stopped')
    case 'connection':
      return logConnection(logger, lost, report)
    case 'server-setting':
      return logger.warn(fieldsOf(report), 'a setting of Redis weakens a promise')
    case 'claimed':
      return logger.info(countOf(report), 'claimed entries')
    case 'retaken':
      return logger.warn(countOf(report), 'retook entries whose reply was lost')
    case 'quarantined':
      return logger.warn(fieldsOf(report), 'running crash suspects alone')
    case 'lease-lost':
      return logger.warn(countOf(report), 'lost the lease of entries: nothing more is written for them')
    case 'group-rebuilt':
      return logger.warn(
        fieldsOf(report),
        'the group was gone and is created again: what follows startId up to newestId is delivered once more',
      )
    case 'read-again':
      return logger.warn(fieldsOf(report), 'the group was set back or created again: from here on handlers run again')
    case 'trimmed':
      return logger.debug(fieldsOf(report), 'trimmed entries that every group has acknowledged')
    case 'consumers-deleted':
      return logger.debug(fieldsOf(report), 'deleted consumers that hold nothing')
    case 'dropped-unread':
      return logger.warn(fieldsOf(report), 'maxlen has dropped entries that the group had not acknowledged')
    case 'group-behind':
      return logger.warn(fieldsOf(report), 'a group is behind and has not moved')
    case 'time-jumped':
      return logger.warn(fieldsOf(report), 'Redis hung, or its clock was set')
    case 'load':
      return logger.debug(fieldsOf(report), 'what the consumer holds')
    case 'paused':
      return logger.warn(fieldsOf(report), 'paused: nothing is started')
    case 'resumed':
      return logger.info(fieldsOf(report), 'resumed')
    case 'limited':
      return logger.info(fieldsOf(report), 'the limit of handler starts has changed')
    case 'circuit-opened':
      return logger.error(fieldsOf(report), 'too many handlers fail: the circuit is open')
    case 'circuit-probed':
      return logger.info(fieldsOf(report), 'probed a delivery while the circuit is open')
    case 'circuit-closed':
      return logger.info(fieldsOf(report), 'a probe did not fail: the circuit is closed')
    case 'publish':
      return
    case 'health':
      return report.ready ? logger.info(fieldsOf(report), 'ready') : logger.warn(fieldsOf(report), 'not ready')
    case 'trouble':
      return logger.warn({ where: report.where, error: messageOf(report.error) }, 'failed, and goes on')
    default:
      return report satisfies never
  }
}

function logSettled(logger: Logger, report: SettledReport): void {
  const { outcome, kind, handlerMs, ageMs, ...ids } = report
  const fields = { ...ids, durationMs: Math.round(report.durationMs), ...outcomeFields(outcome) }
  switch (outcome.type) {
    case 'ack':
    case 'committed':
      return logger.info(fields, 'acknowledged')
    case 'skip':
      return logger.info(fields, 'skipped')
    case 'retry':
      return logger.warn(fields, 'failed, will be delivered again')
    case 'release':
      return logger.info(fields, 'released')
    case 'dead-letter':
      return logger.error(fields, 'dead-lettered')
    case 'abandon':
      return logger.warn(fields, 'abandoned')
    default:
      return outcome satisfies never
  }
}

function logConnection(logger: Logger, lost: Lost, report: Extract<Report, { kind: 'connection' }>): void {
  const { connection, state, cause } = report
  // Returns what the logger returns: it may be a promise that rejects, which `observe` sees to.
  if (state === 'connected') {
    lost.delete(connection)
    return lost.size > 0 ? undefined : logger.info({ connection }, 'connected to Redis')
  }
  const error = cause && messageOf(cause)
  const isKnown = [...lost.values()].includes(error)
  lost.set(connection, error)
  return isKnown ? undefined : logger.warn({ connection, error }, 'no connection to Redis, trying again')
}

const outcomeFields = ({ type, ...rest }: Outcome) => ({ outcome: type, ...rest })
const fieldsOf = <R extends Report>({ kind, ...fields }: R) => fields
const countOf = ({ kind, entryIds, ...fields }: Extract<Report, { entryIds: string[] }>) => ({
  ...fields,
  entries: entryIds.length,
})
