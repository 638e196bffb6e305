import { setTimeout as sleep } from 'node:timers/promises'
import { UNLUCKY_USER, type UserEvents } from '@redis-streams-processor/events'
import type { Context, Handlers } from '@redis-streams-processor/streams-core'

/** Sample handlers: each waits `workMs`, as if it called another service. Put your own work here. */
export function createHandlers(workMs: number): Handlers<UserEvents> {
  const work = async ({ data }: { data: { userId: string } }, { signal }: Context) => {
    if (workMs > 0) await sleep(workMs, undefined, { signal })
    if (data.userId === UNLUCKY_USER) throw new Error('database timeout')
  }
  return {
    'user.registered': work,
    'payment.confirmed': work,
    'subscription.renewed': work,
    'invoice.sent': work,
    'payment.failed': work,
    'user.deleted': work,
  }
}
