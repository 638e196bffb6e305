import { randomUUID } from 'node:crypto'
import { catalog, samples, UNLUCKY_USER, type UserEvents, type UserEventType } from '@redis-streams-processor/events'
import type { EventInput } from '@redis-streams-processor/streams-core'

const FIRST_USER = 1001
const types = Object.keys(catalog) as UserEventType[]

/** One webhook, as it comes in: an event that is not published yet. */
export type Webhook<T extends UserEventType = UserEventType> = {
  [K in T]: { id: string; type: K; subject: string; data: EventInput<UserEvents, K> }
}[T]

/** Makes up webhook number `n`: the types in turn, for users user_1001 … in turn. */
export function makeWebhook(n: number, users: number): Webhook {
  return webhookFor(userInTurn(n, users), n)
}

/** As `makeWebhook`, but exactly the first `failing` webhooks are for the user whose events always fail. */
export function makeBurstWebhook(n: number, users: number, failing: number): Webhook {
  if (n < failing) return webhookFor(UNLUCKY_USER, n)
  const user = userInTurn(n, users)
  return webhookFor(user === UNLUCKY_USER ? `user_${FIRST_USER}` : user, n)
}

const userInTurn = (n: number, users: number) => `user_${FIRST_USER + (n % users)}`

function webhookFor(user: string, n: number): Webhook {
  return webhookOf(types[n % types.length] as UserEventType, user, n)
}

function webhookOf<T extends UserEventType>(type: T, subject: string, n: number): Webhook<T> {
  return { id: randomUUID(), type, subject, data: samples[type](subject, n) }
}
