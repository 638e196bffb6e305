import { defineStream, type EventInput, type Retention } from '@redis-streams-processor/streams-core'
import { z } from 'zod'

const userId = z.string().regex(/^user_\d+$/)
const cents = z.int().positive()

/** What the webhooks of this product say. Add a type, and the compiler names every place that does not know it yet. */
export const catalog = {
  'user.registered': z.object({ userId, email: z.email(), plan: z.enum(['free', 'pro', 'team']) }),
  'payment.confirmed': z.object({ userId, paymentId: z.string(), amountCents: cents, currency: z.string().length(3) }),
  'subscription.renewed': z.object({ userId, plan: z.enum(['pro', 'team']), until: z.iso.date() }),
  'invoice.sent': z.object({ userId, invoiceId: z.string(), amountCents: cents }),
  'payment.failed': z.object({ userId, paymentId: z.string(), amountCents: cents, declineCode: z.string() }),
  'user.deleted': z.object({ userId }),
}

export type UserEvents = typeof catalog
export type UserEventType = keyof UserEvents
export const userEventTypes = Object.keys(catalog) as UserEventType[]

/** Makes up the data of an event: the n-th one, for a user. What the simulator of the producer publishes. */
type Sample<T extends UserEventType> = (userId: string, n: number) => EventInput<UserEvents, T>

export const samples: { [T in UserEventType]: Sample<T> } = {
  'user.registered': (userId, n) => ({ userId, email: `person.${n}@example.com`, plan: 'free' }),
  'payment.confirmed': (userId, n) => ({
    userId,
    paymentId: `pay_${n}`,
    amountCents: 990 + (n % 90) * 100,
    currency: 'EUR',
  }),
  'subscription.renewed': (userId) => ({ userId, plan: 'pro', until: '2030-01-31' }),
  'invoice.sent': (userId, n) => ({ userId, invoiceId: `inv_${n}`, amountCents: 990 }),
  'payment.failed': (userId, n) => ({
    userId,
    paymentId: `pay_${n}`,
    amountCents: 990,
    declineCode: 'insufficient_funds',
  }),
  'user.deleted': (userId) => ({ userId }),
}

/** The stream that the producer appends to and the consumers share. */
export function userEvents(name = 'user_events', retention?: Retention) {
  return defineStream(name, catalog, retention ? { retention } : {})
}
