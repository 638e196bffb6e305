import { headerOf } from '../../src/sources.ts'
import { defineSource } from '../../src/webhooks/define-source.ts'
import { at, textAt } from '../../src/webhooks/json.ts'
import { githubScheme } from '../../src/webhooks/schemes.ts'

// The source of one's own in the README, word for word.

export const acme = defineSource({
  scheme: githubScheme,
  toEvent: (headers, body) => ({
    id: headerOf(headers, 'x-acme-delivery'),
    type: 'payment.confirmed', // the compiler compares type and data with the catalog
    subject: textAt(body, 'customer'),
    data: {
      userId: textAt(body, 'customer') ?? '',
      paymentId: textAt(body, 'order') ?? '',
      amountCents: Number(at(body, 'cents')),
      currency: 'EUR',
    },
  }),
})
