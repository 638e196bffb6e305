import type { Ledger } from '@redis-streams-processor/service-kit'
import type { Catalog, Context, Handlers, StreamEvent } from '@redis-streams-processor/streams-core'

/** The same handlers, each writing into the ledger when it starts, what it commits, and how it ends. */
export function recorded<C extends Catalog>(handlers: Handlers<C>, ledger: Ledger): Handlers<C> {
  const wrap = (handler: (event: never, context: Context) => unknown) => {
    return async (event: StreamEvent, context: Context) => {
      const { entryId, group, consumer, attempt } = context
      const delivery = { id: event.id, entryId, group, consumer, attempt }
      ledger.write({ what: 'started', ...delivery })
      const commit: Context['commit'] = async (commands) => {
        const replies = await context.commit(commands)
        ledger.write({ what: 'committed', ...delivery })
        return replies
      }
      try {
        await handler(event as never, { ...context, commit })
        ledger.write({ what: 'finished', ...delivery })
      } catch (error) {
        ledger.write({ what: 'failed', ...delivery })
        throw error
      }
    }
  }
  const entries = Object.entries(handlers) as [string, (event: never, context: Context) => unknown][]
  return Object.fromEntries(entries.map(([type, handler]) => [type, wrap(handler)])) as unknown as Handlers<C>
}
