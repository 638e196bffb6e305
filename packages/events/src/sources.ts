import type { IncomingHttpHeaders } from 'node:http'
import { defineSource, maxEventBytesOf, type Source } from './webhooks/define-source.ts'
import { at, textAt } from './webhooks/json.ts'
import { githubScheme, standardScheme, stripeScheme } from './webhooks/schemes.ts'

/** A sender of one's own, by Standard Webhooks: `{ type, timestamp, data }`, and the id of the delivery in a header. */
export const standard = defineSource({
  scheme: standardScheme,
  toEvent: (headers, body) => ({
    id: headerOf(headers, 'webhook-id'),
    foreignType: textAt(body, 'type'),
    subject: textAt(body, 'data', 'userId'),
    time: dateOf(textAt(body, 'timestamp')),
    data: at(body, 'data') ?? body,
  }),
})

/** GitHub. Its events have types such as `github.push`; its `ping` is the test that it makes when a webhook is set up. */
export const github = defineSource({
  scheme: githubScheme,
  toEvent(headers, body) {
    const event = headerOf(headers, 'x-github-event')
    if (event === 'ping') return { noEvent: 'ping' }
    return {
      id: headerOf(headers, 'x-github-delivery'),
      foreignType: event && `github.${event}`,
      subject: textAt(body, 'repository', 'full_name'),
      data: body,
    }
  },
})

/** Stripe. Its events have types such as `stripe.invoice.paid`. */
export const stripe = defineSource({
  scheme: stripeScheme,
  toEvent(_, body) {
    const type = textAt(body, 'type')
    const created = at(body, 'created')
    return {
      id: textAt(body, 'id'),
      foreignType: type && `stripe.${type}`,
      subject: textAt(body, 'data', 'object', 'id'),
      time: typeof created === 'number' ? dateOf(created * 1_000) : undefined,
      data: body,
    }
  },
})

/** Who sends webhooks to `/webhooks/<name>`. A name is made of small letters, digits and hyphens. */
export const sources: Readonly<Record<string, Source>> = { standard, github, stripe }

/** The largest event that any of them can make: consumers must take as much. Bytes. */
export const maxEventBytes = Math.max(...Object.values(sources).map(maxEventBytesOf))

export function headerOf(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name]
  return typeof value === 'string' ? value : undefined
}

const dateOf = (time: string | number | undefined) => (time === undefined ? undefined : new Date(time))
