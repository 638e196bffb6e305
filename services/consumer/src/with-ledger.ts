import type { Ledger, LedgerDelivery } from '@redis-streams-processor/service-kit'
import {
  BatchHandler,
  batch,
  type Catalog,
  type Context,
  type Handlers,
  type Report,
  resultOfThrown,
  type StreamEvent,
} from '@redis-streams-processor/streams-core'
import { batchWithLedger } from './batch-with-ledger.ts'

type AnyHandler = (event: StreamEvent, context: Context) => unknown

/** The same handlers, each writing into the ledger that it started, that it committed, and how it ended. */
export function withLedger<C extends Catalog>(handlers: Handlers<C>, ledger: Ledger): Handlers<C> {
  const wrap = (handler: AnyHandler) => async (event: StreamEvent, context: Context) => {
    const { entryId, group, consumer, attempt } = context
    const delivery: LedgerDelivery = { id: event.id, entryId, group, consumer, attempt }
    ledger.write({ what: 'started', ...delivery })
    const commit: Context['commit'] = async (commands) => {
      const replies = await context.commit(commands)
      ledger.write({ what: 'committed', ...delivery })
      return replies
    }
    try {
      await handler(event, { ...context, commit })
      ledger.write({ what: 'returned', ...delivery })
    } catch (error) {
      ledger.write({ what: resultOfThrown(error).result, ...delivery })
      throw error
    }
  }
  const entries = Object.entries(handlers) as [string, AnyHandler | BatchHandler][]
  const wrapped = entries.map(([type, handler]) => {
    if (!(handler instanceof BatchHandler)) return [type, wrap(handler)]
    return [type, batch({ ...handler, handle: batchWithLedger(handler.handle, ledger) })]
  })
  return Object.fromEntries(wrapped) as Handlers<C>
}

/** Writes into the ledger what the consumer reports: that it has joined, and what became of each delivery. */
export function writeReport(ledger: Ledger, report: Report): void {
  if (report.kind === 'started') {
    ledger.write({ what: 'joined', group: report.group, consumer: report.consumer })
  } else if (report.kind === 'settled') {
    const { outcome, entryId, group, consumer, attempt, eventId = entryId } = report
    ledger.write({ what: 'settled', outcome: outcome.type, id: eventId, entryId, group, consumer, attempt })
  }
}
