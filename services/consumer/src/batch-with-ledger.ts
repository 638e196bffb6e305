import type { Ledger, LedgerDelivery } from '@redis-streams-processor/service-kit'
import {
  type BatchContext,
  type Handle,
  type HandlerResult,
  resultOfThrown,
  type StreamEvent,
} from '@redis-streams-processor/streams-core'

/**
 * The same `handle`, writing into the ledger, for each event of each call, that it started, that it was committed, and
 * how it ended. A batch that is halved calls more than once for an event.
 */
export function batchWithLedger(handle: Handle<StreamEvent>, ledger: Ledger): Handle<StreamEvent> {
  return async (events, context) => {
    const { group, consumer, deliveries } = context
    const lines = events.map(({ id }, i): LedgerDelivery => {
      const { entryId = '', attempt = 0 } = deliveries[i] ?? {}
      return { id, entryId, group, consumer, attempt }
    })
    const failed = new Map<string, HandlerResult['result']>()
    const note = (what: 'started' | 'committed' | HandlerResult['result'], noted: LedgerDelivery[]) => {
      for (const line of noted) ledger.write({ what, ...line })
    }
    const fail: BatchContext['fail'] = (eventId, error) => {
      context.fail(eventId, error)
      failed.set(eventId, resultOfThrown(error).result)
    }
    const noting: BatchContext = {
      ...context,
      fail,
      skip(eventId, reason) {
        context.skip(eventId, reason)
        failed.set(eventId, 'skipped')
      },
      reject(eventId, reason) {
        context.reject(eventId, reason)
        failed.set(eventId, 'rejected')
      },
      retryAfter(eventId, delayMs, reason) {
        context.retryAfter(eventId, delayMs, reason)
        failed.set(eventId, 'retry-after')
      },
      async commit(commands) {
        const replies = await context.commit(commands)
        note('committed', rest())
        return replies
      },
    }
    const rest = () => lines.filter(({ id }) => !failed.has(id))
    note('started', lines)
    try {
      await handle(events, noting)
      note('returned', rest())
    } catch (error) {
      note(resultOfThrown(error).result, rest())
      throw error
    } finally {
      for (const [eventId, result] of failed)
        note(
          result,
          lines.filter(({ id }) => id === eventId),
        )
    }
  }
}
