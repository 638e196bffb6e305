import { randomUUID } from 'node:crypto'
import type { UserEvents } from '@redis-streams-processor/events'
import type { EventInput } from '@redis-streams-processor/streams-core'

/** The user whose events the sample handlers always fail. */
const UNLUCKY_USER = 1003
const FIRST_USER = 1001

/** One webhook, as it comes in: an event that is not published yet. */
export type Webhook = {
  [T in keyof UserEvents]: { id: string; type: T; subject: string; data: EventInput<UserEvents, T> }
}[keyof UserEvents]

const makers: ((userId: string, n: number) => Omit<Webhook, 'id' | 'subject'>)[] = [
  (userId, n) => ({ type: 'user.registered', data: { userId, email: `person.${n}@example.com`, plan: 'free' } }),
  (userId, n) => ({
    type: 'payment.confirmed',
    data: { userId, paymentId: `pay_${n}`, amountCents: 990 + (n % 90) * 100, currency: 'EUR' },
  }),
  (userId) => ({ type: 'subscription.renewed', data: { userId, plan: 'pro', until: '2030-01-31' } }),
  (userId, n) => ({ type: 'invoice.sent', data: { userId, invoiceId: `inv_${n}`, amountCents: 990 } }),
  (userId, n) => ({
    type: 'payment.failed',
    data: { userId, paymentId: `pay_${n}`, amountCents: 990, declineCode: 'insufficient_funds' },
  }),
  (userId) => ({ type: 'user.deleted', data: { userId } }),
]

/** Makes up webhook number `n`, for users user_1001 … in turn. */
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
  const make = makers[n % makers.length] as (typeof makers)[number]
  return { id: randomUUID(), subject, ...make(subject, n) } as Webhook
}
