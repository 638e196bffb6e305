import { randomUUID } from 'node:crypto'
import { sign as signForGithub } from '@octokit/webhooks-methods'
import { sources, userEvents } from '@redis-streams-processor/events'
import { Ledger, parseSettings, retentionOf } from '@redis-streams-processor/service-kit'
import { openDeadLetters } from '@redis-streams-processor/streams-core'
import { asRecord, sendOnce, until, withUser } from '@redis-streams-processor/testbed'
import { Webhook } from 'standardwebhooks'
import Stripe from 'stripe'
import { inject, onTestFinished } from 'vitest'
import { Operations } from '../../src/operations.ts'
import { serve } from '../../src/serve.ts'
import { settingsSchema } from '../../src/settings.ts'

export const SECRETS = {
  standard: `whsec_${Buffer.from('the secret of the standard source').toString('base64')}`,
  // White space separates secrets.
  github: 'the-secret-of-GitHub',
  stripe: 'whsec_of_stripe',
}
export type SourceName = keyof typeof SECRETS

export const SECRET_SETTINGS = {
  WEBHOOK_STANDARD_SECRET: SECRETS.standard,
  WEBHOOK_GITHUB_SECRET: SECRETS.github,
  WEBHOOK_STRIPE_SECRET: SECRETS.stripe,
}

type Headers = Record<string, string>

/** What a sender sends, signed by the library of the scheme's owner. */
export const signed = {
  standard: (body: string, { id = randomUUID() as string, secret = SECRETS.standard, atMs = Date.now() } = {}) => ({
    'content-type': 'application/json',
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(atMs / 1_000)),
    'webhook-signature': new Webhook(secret).sign(id, new Date(atMs), body),
  }),
  github: async (body: string, { id = randomUUID() as string, event = 'push', secret = SECRETS.github } = {}) => ({
    'content-type': 'application/json',
    'x-github-delivery': id,
    'x-github-event': event,
    'x-hub-signature-256': await signForGithub(secret, body),
  }),
  stripe: (payload: string, { secret = SECRETS.stripe, atMs = Date.now() } = {}) => ({
    'content-type': 'application/json; charset=utf-8',
    'stripe-signature': Stripe.webhooks.generateTestHeaderString({
      ...{ payload, secret },
      timestamp: Math.floor(atMs / 1_000),
    }),
  }),
}

export const event = (data: object = { userId: 'user_1' }, type = 'user.deleted') =>
  JSON.stringify({ type, timestamp: new Date().toISOString(), data })

export interface Response {
  status: number
  headers: globalThis.Headers
  body: Record<string, unknown>
}

type LogLine = Record<string, unknown> & { msg: string }

/** The producer service in this process, on a stream of its own. It simulates no sender unless it is told to. */
export class Endpoint {
  readonly lines: LogLine[] = []
  readonly stream: string
  /** For the test itself, which may do everything. The service connects as its user. */
  readonly redisUrl: string
  /** As `serve`. */
  readonly done: Promise<void>
  readonly #stopping = new AbortController()

  constructor(env: Record<string, string> = {}, changedSources: typeof sources = {}) {
    this.redisUrl = env.REDIS_URL ?? inject('redisUrl')
    this.stream = env.STREAM ?? `test_${randomUUID().slice(0, 8)}`
    const defaults = {
      REDIS_URL: withUser(this.redisUrl, 'producer'),
      STREAM: this.stream,
      HTTP_PORT: '0',
      HTTP_HOST: '127.0.0.1',
      OPS_PORT: '0',
    }
    const settings = parseSettings(settingsSchema, { ...defaults, ...SECRET_SETTINGS, SIMULATE: 'off', ...env })
    const write = (fields: object, msg: string) => void this.lines.push({ ...fields, msg })
    const logger = { debug: write, info: write, warn: write, error: write }
    const ledger = new Ledger(settings.LEDGER_DIR, 'producer')
    const stream = userEvents(settings.STREAM, retentionOf(settings))
    const { signal } = this.#stopping
    const operations = new Operations({ settings, stream, logger, signal })
    const service = { settings, stream, sources: { ...sources, ...changedSources }, ledger, logger, operations }
    this.done = serve(service, signal).finally(async () => {
      await operations.close()
      ledger.close()
    })
    this.done.catch(() => {})
    onTestFinished(async () => {
      this.stop()
      await this.done.catch(() => {})
    })
  }

  /** As SIGTERM. */
  stop(): void {
    this.#stopping.abort()
  }

  /** The first line that is as wanted. */
  line(wanted: (line: LogLine) => boolean): Promise<LogLine> {
    return this.until('a line is logged', () => this.lines.find(wanted))
  }

  get url(): Promise<string> {
    return this.line(({ msg }) => msg === 'webhooks are served').then(({ url }) => url as string)
  }

  /** Where it answers /livez, /readyz and /metrics. */
  async opsPort(): Promise<number> {
    return Number((await this.line(({ msg }) => msg === 'listening for operations')).port)
  }

  async port(): Promise<number> {
    return Number(new URL(await this.url).port)
  }

  async post(path: string, body: string | Buffer, headers: Headers): Promise<Response> {
    const response = await fetch(`${await this.url}/webhooks/${path}`, { method: 'POST', headers, body })
    return answerOf(response)
  }

  /** A webhook by Standard Webhooks. */
  send(body = event(), options?: Parameters<typeof signed.standard>[1]): Promise<Response> {
    return this.post('standard', body, signed.standard(body, options))
  }

  async request(method: string, path: string, headers: Headers = {}): Promise<Response> {
    return answerOf(await fetch(`${await this.url}${path}`, { method, headers }))
  }

  command<T>(...args: string[]): Promise<T> {
    return sendOnce<T>(this.redisUrl, args)
  }

  /** What the stream holds: the fields of each entry, by entry id. */
  async entries(): Promise<Map<string, Record<string, string>>> {
    const entries = await this.command<[string, string[]][]>('XRANGE', this.stream, '-', '+')
    return new Map(entries.map(([id, fields]) => [id, asRecord(fields) as Record<string, string>]))
  }

  async deadLetters(group: string) {
    const letters = openDeadLetters({ name: this.stream }, { redis: this.redisUrl, group })
    try {
      const all = []
      for await (const letter of letters.list()) all.push(letter)
      return all
    } finally {
      await letters.close()
    }
  }

  until<T>(what: string, look: () => T | Promise<T>) {
    return until(what, look, { timeoutMs: 30_000 })
  }
}

async function answerOf(response: globalThis.Response): Promise<Response> {
  const text = await response.text()
  return { status: response.status, headers: response.headers, body: text === '' ? {} : JSON.parse(text) }
}
