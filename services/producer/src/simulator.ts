import { randomUUID } from 'node:crypto'
import { samples, type UserEvents, type UserEventType, userEventTypes } from '@redis-streams-processor/events'
import type { EventInput } from '@redis-streams-processor/streams-core'

/** The user whose events the sample handlers always fail. */
const UNLUCKY_USER = 1003
const FIRST_USER = 1001

/** One webhook, as it comes in: an event that is not published yet. */
export interface Webhook {
  id: string
  subject: string
  type: UserEventType
  data: EventInput<UserEvents, UserEventType>
}

/** Makes up webhook number `n`: every event type in turn, for users user_1001 … in turn. */
export function makeWebhook(n: number, users: number): Webhook {
  return webhookFor(FIRST_USER + (n % users), n)
}

/** As `makeWebhook`, but exactly the first `failing` events are for the user whose events always fail. */
export function makeBurstWebhook(n: number, users: number, failing: number): Webhook {
  if (n < failing) return webhookFor(UNLUCKY_USER, n)
  const user = FIRST_USER + (n % users)
  return webhookFor(user === UNLUCKY_USER ? FIRST_USER : user, n)
}

function webhookFor(user: number, n: number): Webhook {
  const subject = `user_${user}`
  const type = userEventTypes[n % userEventTypes.length] as UserEventType
  return { id: randomUUID(), subject, type, data: samples[type](subject, n) }
}
