import { defineStream, type EventInput, type EventType, type Retention } from '@redis-streams-processor/streams-core'
import { z } from 'zod'

const userId = z.string().regex(/^user_\d+$/)
const cents = z.int().positive()

/**
 * What the webhooks of this product say: event type → schema of its data. Add a type here, and the compiler asks for
 * its sample below and for its handlers.
 */
export const catalog = {
  'user.registered': z.object({ userId, email: z.email(), plan: z.enum(['free', 'pro', 'team']) }),
  'payment.confirmed': z.object({ userId, paymentId: z.string(), amountCents: cents, currency: z.string().length(3) }),
  'subscription.renewed': z.object({ userId, plan: z.enum(['pro', 'team']), until: z.iso.date() }),
  'invoice.sent': z.object({ userId, invoiceId: z.string(), amountCents: cents }),
  'payment.failed': z.object({ userId, paymentId: z.string(), amountCents: cents, declineCode: z.string() }),
  'user.deleted': z.object({ userId }),
}

export type UserEvents = typeof catalog
export type UserEventType = EventType<UserEvents>

type Samples = { [T in UserEventType]: (userId: string, n: number) => EventInput<UserEvents, T> }

/** Made-up data of each type, for webhook number `n` of the simulator. */
export const samples: Samples = {
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

/** The user whose events the sample handlers always fail, so that retries and dead letters can be watched. */
export const UNLUCKY_USER = 'user_1003'

/** The stream that the producer appends to and the consumers share. */
export function userEvents(name = 'user_events', retention?: Retention) {
  return defineStream(name, catalog, retention ? { retention } : {})
}
