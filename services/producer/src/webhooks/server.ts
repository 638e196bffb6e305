import type { Server } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import rateLimit from '@fastify/rate-limit'
import type { Health } from '@redis-streams-processor/streams-core'
import {
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  fastify,
  type RouteShorthandOptions,
} from 'fastify'
import { type Answer, type RefusalReason, refusals } from './answers.ts'
import { BrokenRequests } from './broken-requests.ts'
import { type CountedRequest, Load } from './load.ts'
import type { Receiver } from './receiver.ts'
import type { Tally } from './tally.ts'

/** A sender has this long for the head of a request, and for the whole of it. GitHub itself waits 10 s for the answer. */
const HEAD_MS = 5_000
const REQUEST_MS = 10_000
/** No answer takes longer, once the request is there. */
export const ANSWER_MS = 8_000
/** Longer than load balancers keep idle connections (60 s is common): otherwise they send on one that is being closed. */
const KEEP_ALIVE_MS = 72_000
const MAX_HEAD_BYTES = 16_384
const MAX_CONNECTIONS = 12_000
const JSON_TYPE = 'application/json'

export interface ServerOptions {
  host: string
  /** 0: any free port. */
  port: number
  /** Which proxies are believed what they say of the sender: see `TRUST_PROXY`. */
  trustProxy: string | false
  /** Requests of a source in a period of a second; 0: no limit. */
  rateLimit: number
  /** For how long requests are taken after readiness was turned off. Milliseconds. */
  drainDelayMs: number
}

declare module 'fastify' {
  interface FastifyRequest {
    receivedAt: number
    /** Undefined unless the request is for a source that is served. */
    counted: CountedRequest | undefined
  }
  interface FastifyContextConfig {
    /** The name of the source that a route serves. */
    source?: string
  }
}

/** `POST /webhooks/<source>` for each receiver. */
export class WebhookServer {
  readonly #options: ServerOptions
  readonly #receivers: readonly Receiver[]
  readonly #tally: Tally
  readonly #load = new Load()
  readonly #broken: BrokenRequests
  readonly #app: FastifyInstance<Server>
  #isReady = false
  #isClosing = false

  constructor(options: ServerOptions, receivers: readonly Receiver[], tally: Tally) {
    this.#options = options
    this.#receivers = receivers
    this.#tally = tally
    this.#broken = new BrokenRequests((reason, error, ip, request) => {
      const source = request && this.#sourceAt(request.url)
      tally.refused({ source, reason, ip, error })
      tally.answered(source, refusals[reason].status)
    })
    this.#app = fastify<Server>({
      logger: false,
      trustProxy: options.trustProxy,
      requestTimeout: REQUEST_MS,
      keepAliveTimeout: KEEP_ALIVE_MS,
      http: { headersTimeout: HEAD_MS, connectionsCheckingInterval: 1_000, maxHeaderSize: MAX_HEAD_BYTES },
      // What still comes on an open connection while the server closes is answered like everything else.
      return503OnClosing: false,
      clientErrorHandler: (error, socket) => this.#broken.answer(error, socket as Socket),
      // A path that is none.
      frameworkErrors: (error, request, reply) => this.#answerError(error, request, reply),
    })
    this.#app.server.maxConnections = MAX_CONNECTIONS
  }

  /** Ready: new requests should be sent here. */
  health(): Health {
    return this.#isReady ? { ready: true } : { ready: false, reason: 'no webhooks are taken' }
  }

  get url(): string {
    const { address, family, port } = this.#app.server.address() as AddressInfo
    return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`
  }

  /** Resolves once requests are taken. @throws when the port is not free. */
  async start(): Promise<void> {
    const app = this.#app
    app.decorateRequest('receivedAt', 0)
    app.decorateRequest('counted', undefined)
    app.addHook('onRequest', (request, reply, next) => {
      request.receivedAt = performance.now()
      if (request.is404) this.#refuseUnknown(request, reply)
      else this.#admit(request, reply, next)
    })
    app.setErrorHandler<FastifyError>((error, request, reply) => this.#answerError(error, request, reply))
    app.removeAllContentTypeParsers()
    // The signature is over the bytes as they came.
    app.addContentTypeParser(JSON_TYPE, { parseAs: 'buffer' }, (_, body, done) => done(null, body))
    if (this.#options.rateLimit > 0) await app.register(rateLimit, { global: false })
    for (const receiver of this.#receivers) this.#serve(receiver)
    await app.listen({ host: this.#options.host, port: this.#options.port })
    this.#isReady = true
  }

  /** Readiness is turned off, what was accepted is answered, then every connection is closed. */
  async stop(): Promise<void> {
    if (this.#isReady) {
      this.#isReady = false
      await sleep(this.#options.drainDelayMs)
    }
    this.#isClosing = true
    const closed = this.#app.close()
    // Whoever has not sent the whole of a request by then will not.
    const tooLate = new AbortController()
    const late = sleep(REQUEST_MS + ANSWER_MS, undefined, { signal: tooLate.signal }).catch(() => {})
    await Promise.race([this.#load.whenIdle(), late])
    tooLate.abort()
    this.#app.server.closeAllConnections()
    await closed
  }

  #serve(receiver: Receiver): void {
    const { name, path, source } = receiver
    const { rateLimit: max } = this.#options
    const limit = max > 0 && { rateLimit: { max, timeWindow: 1_000, keyGenerator: () => name } }
    const route: RouteShorthandOptions<Server> = {
      bodyLimit: source.maxBodyBytes,
      config: { source: name, ...limit },
      preParsing: (request, _, payload, next) => {
        this.#broken.noteBody(request.raw)
        request.counted?.count(payload)
        next(null, payload)
      },
    }
    this.#app.post(path, route, (request, reply) => {
      const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0)
      receiver
        .receive({ headers: request.headers, body }, request.ip)
        .then((answer) => this.#send(request, reply, name, answer))
        .catch((error) => reply.send(error))
    })
  }

  #refuseUnknown(request: FastifyRequest, reply: FastifyReply): void {
    this.#refuse(request, reply, this.#sourceOf(request) === undefined ? 'unknown-source' : 'wrong-method')
  }

  /** The name of the source whose path is asked for, also by a wrong method, which has no route. */
  #sourceOf({ url, routeOptions }: FastifyRequest): string | undefined {
    return routeOptions.config?.source ?? this.#sourceAt(url)
  }

  #sourceAt(url = ''): string | undefined {
    const [asked] = url.split('?')
    return this.#receivers.find(({ path }) => path === asked)?.name
  }

  /** Refuses what can be refused before the body is read. */
  #admit(request: FastifyRequest, reply: FastifyReply, next: () => void): void {
    request.counted = this.#load.begin()
    reply.raw.once('close', request.counted.over)
    const isPlain = (request.headers['content-encoding'] ?? 'identity') === 'identity'
    if (isPlain && request.mediaType === JSON_TYPE) next()
    else this.#refuse(request, reply, 'media-type', isPlain ? 'another type' : 'compressed')
  }

  #answerError(error: FastifyError, request: FastifyRequest, reply: FastifyReply): void {
    if (this.#broken.has(request.raw.socket)) return
    const known: Record<number, RefusalReason> = { 413: 'too-large', 429: 'rate-limit', 503: 'overloaded' }
    const { statusCode: status = 500, code, message } = error
    const reason = known[status] ?? (status < 500 ? 'bad-request' : 'broken')
    this.#refuse(request, reply, reason, code ?? message)
  }

  #refuse(request: FastifyRequest, reply: FastifyReply, reason: RefusalReason, error?: string): void {
    const source = this.#sourceOf(request)
    this.#tally.refused({ source, reason, ip: request.ip, ...(error !== undefined && { error }) })
    this.#send(request, reply, source, refusals[reason])
  }

  #send(
    request: FastifyRequest,
    reply: FastifyReply,
    source: string | undefined,
    { status, headers, body }: Answer,
  ): void {
    this.#tally.answered(source, status, durationOf(request))
    this.#broken.noteAnswer(request.raw)
    if (headers) reply.headers(headers)
    if (this.#isClosing) reply.header('connection', 'close')
    reply.code(status).send(body)
  }
}

/** Undefined where the path was none: then no hook has noted the time. */
const durationOf = ({ receivedAt }: FastifyRequest) => (receivedAt ? performance.now() - receivedAt : undefined)
