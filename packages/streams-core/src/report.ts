import type { ConnectionState } from './broker/connection.ts'
import type { Outcome, Run } from './decide.ts'

/** One decision, written. */
export interface SettledReport {
  kind: 'settled'
  outcome: Outcome
  result: Run['result']
  group: string
  consumer: string
  entryId: string
  attempt: number
  /** Undefined when the entry could not be decoded. */
  eventId: string | undefined
  eventType: string | undefined
  durationMs: number
}

/** Whether a consumer gets on with its work, and why not. */
export type Health = { ready: true } | { ready: false; reason: string }

/** What a consumer tells: the one source of its log lines, of metrics, and of what tests wait for. */
export type Report =
  | SettledReport
  | { kind: 'started'; group: string; consumer: string; groupCreated: boolean }
  | { kind: 'stopped'; group: string; consumer: string; unfinished: number }
  | { kind: 'connection'; connection: 'commands' | 'reads'; state: ConnectionState; cause: Error | undefined }
  | { kind: 'claimed'; group: string; consumer: string; entryIds: string[] }
  | { kind: 'recovered'; group: string; consumer: string; entryIds: string[] }
  | { kind: 'quarantined'; group: string; consumer: string; suspects: number }
  | { kind: 'lease-lost'; group: string; consumer: string; entryIds: string[] }
  /** The group was gone and has been created again; everything from after `startId` to `newestId` is delivered once more. */
  | { kind: 'group-rebuilt'; group: string; startId: string; newestId: string }
  | { kind: 'trimmed'; entries: number }
  | { kind: 'consumers-deleted'; consumers: number }
  /** The lossy retention has dropped entries that the group had not acknowledged; `total` since the stream began. */
  | { kind: 'dropped-unread'; group: string; total: number }
  | { kind: 'group-behind'; group: string; neededId: string; pending: number; stalledMs: number }
  /** Readiness has come or gone. */
  | ({ kind: 'health'; group: string; consumer: string } & Health)
  /** A loop failed a round and goes on; told once until a round succeeds again. */
  | { kind: 'trouble'; loop: string; error: unknown }

export type Tell = (report: Report) => void

/** The part of a pino logger that is used here. */
export interface Logger {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

export const silent: Logger = { debug() {}, info() {}, warn() {}, error() {} }

/** Writes a report as one log line: ids and outcomes, never data. */
export function logReport(logger: Logger, report: Report): void {
  switch (report.kind) {
    case 'settled':
      return logSettled(logger, report)
    case 'started':
      return logger.info(fieldsOf(report), 'consumer started')
    case 'stopped':
      return logger.info(fieldsOf(report), 'consumer stopped')
    case 'connection':
      return logConnection(logger, report)
    case 'claimed':
      return logger.info(countOf(report), 'claimed entries that were due again or left behind')
    case 'recovered':
      return logger.warn(countOf(report), 'recovered entries whose delivery never arrived')
    case 'quarantined':
      return logger.warn(fieldsOf(report), 'crash suspects run alone')
    case 'lease-lost':
      return logger.warn(countOf(report), 'lost the lease of entries: nothing is written for them')
    case 'group-rebuilt':
      return logger.warn(
        fieldsOf(report),
        'the group was gone: created again, what follows startId up to newestId is redelivered',
      )
    case 'trimmed':
      return logger.debug(fieldsOf(report), 'trimmed entries that every group has acknowledged')
    case 'consumers-deleted':
      return logger.debug(fieldsOf(report), 'deleted consumers that hold nothing')
    case 'dropped-unread':
      return logger.warn(fieldsOf(report), 'maxlen has dropped entries that the group had not acknowledged')
    case 'group-behind':
      return logger.warn(fieldsOf(report), 'a group has not moved and holds the stream back')
    case 'health':
      return report.ready ? logger.info(fieldsOf(report), 'ready') : logger.warn(fieldsOf(report), 'not ready')
    case 'trouble': {
      const error = report.error instanceof Error ? report.error.message : String(report.error)
      return logger.warn({ loop: report.loop, error }, 'a loop failed and goes on')
    }
    default:
      return report satisfies never
  }
}

function logSettled(logger: Logger, report: SettledReport): void {
  const { outcome, kind, ...ids } = report
  const fields = { ...ids, durationMs: Math.round(report.durationMs), ...outcomeFields(outcome) }
  switch (outcome.type) {
    case 'ack':
    case 'committed':
      return logger.info(fields, 'acknowledged')
    case 'retry':
      return logger.warn(fields, 'failed, will be delivered again')
    case 'release':
      return logger.info(fields, 'handed back')
    case 'dead-letter':
      return logger.error(fields, 'dead-lettered')
    case 'abandon':
      return logger.warn(fields, 'abandoned')
    default:
      return outcome satisfies never
  }
}

function logConnection(logger: Logger, { connection, state, cause }: Extract<Report, { kind: 'connection' }>): void {
  if (state === 'connected') logger.info({ connection }, 'connected to Redis')
  else logger.warn({ connection, error: cause?.message }, 'no connection to Redis, trying again')
}

const outcomeFields = ({ type, ...rest }: Outcome) => ({ outcome: type, ...rest })
const fieldsOf = <R extends Report>({ kind, ...fields }: R) => fields
const countOf = ({ kind, entryIds, ...fields }: Extract<Report, { entryIds: string[] }>) => ({
  ...fields,
  entries: entryIds.length,
})
