import { defineStream, type Retention } from '@redis-streams-processor/streams-core'
import { z } from 'zod'

const userId = z.string().regex(/^user_\d+$/)
const cents = z.int().positive()

/** What the webhooks of this product say. Add a type here, and the consumer does not compile until it handles it. */
export const catalog = {
  'user.registered': z.object({ userId, email: z.email(), plan: z.enum(['free', 'pro', 'team']) }),
  'user.deleted': z.object({ userId }),
  'payment.confirmed': z.object({ userId, paymentId: z.string(), amountCents: cents, currency: z.string().length(3) }),
  'payment.failed': z.object({ userId, paymentId: z.string(), amountCents: cents, declineCode: z.string() }),
  'subscription.renewed': z.object({ userId, plan: z.enum(['pro', 'team']), until: z.iso.date() }),
  'invoice.sent': z.object({ userId, invoiceId: z.string(), amountCents: cents }),
}

export type UserEvents = typeof catalog

/** The stream that the producer appends to and the consumers share. */
export function userEvents(name = 'user_events', retention?: Retention) {
  return defineStream(name, catalog, retention ? { retention } : {})
}
