import { setTimeout as sleep } from 'node:timers/promises'
import type { UserEvents } from '@redis-streams-processor/events'
import type { Context, Handlers } from '@redis-streams-processor/streams-core'

/** The user whose events always fail, so that retries and dead letters can be watched. */
const UNLUCKY_USER = 'user_1003'

/** Sample handlers: each waits `workMs`, as if it called another service. Put your own work here. */
export function createHandlers(workMs: number): Handlers<UserEvents> {
  const work = async ({ data }: { data: { userId: string } }, { signal }: Context) => {
    if (workMs > 0) await sleep(workMs, undefined, { signal })
    if (data.userId === UNLUCKY_USER) throw new Error('database timeout')
  }
  return {
    'user.registered': work,
    'user.deleted': work,
    'payment.confirmed': work,
    'payment.failed': work,
    'subscription.renewed': work,
    'invoice.sent': work,
  }
}
