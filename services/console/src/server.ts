import type { AddressInfo } from 'node:net'
import rateLimit from '@fastify/rate-limit'
import { StreamsError } from '@redis-streams-processor/streams-core'
import { type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify'
import { type ActionsOptions, serveActions } from './actions.ts'
import { COOKIE, type Door, isForged } from './door.ts'
import { serveLive } from './live.ts'
import { readPageFiles } from './page-files.ts'

/** Nothing comes from another host, nothing runs or is styled from inside a document, nobody frames the page. */
const HEADERS = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';" +
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
}
const SESSION_SECONDS = 12 * 3_600
const MAX_BODY_BYTES = 16_384
/** Tries to log in, from one address in a minute. */
const MAX_LOGINS = 10

export interface ServerOptions extends ActionsOptions {
  host: string
  port: number
  door: Door
}

/** The page, what it asks for, and who may. */
export async function startServer(options: ServerOptions): Promise<{ url: string; close(): Promise<void> }> {
  const { door, isReadOnly, looker } = options
  const app = fastify({ logger: false, bodyLimit: MAX_BODY_BYTES, forceCloseConnections: true })
  await app.register(rateLimit, { global: false })
  app.addHook('onRequest', async (_, reply) => {
    reply.headers(HEADERS)
  })
  app.setErrorHandler<FastifyError>(answerError)
  for (const { path, type, content } of readPageFiles()) {
    app.get(path, (_, reply) => reply.header('cache-control', 'no-cache').type(type).send(content))
  }
  app.post<{ Body: { token?: unknown } }>(
    '/api/login',
    { config: { rateLimit: { max: MAX_LOGINS, timeWindow: 60_000 } }, onRequest: refuseForged },
    (request, reply) => logIn(door, request.body?.token, request, reply),
  )
  await app.register(async (inside) => {
    inside.addHook('onRequest', refuseForged)
    inside.addHook('onRequest', async (request, reply) => {
      reply.header('cache-control', 'no-store')
      if (door.admits(visitorOf(request))) return
      const why = door.hasToken
        ? 'a token is needed'
        : 'this page is for its own machine only: CONSOLE_TOKEN is not set'
      return reply.code(401).send({ error: why, hasToken: door.hasToken })
    })
    inside.get('/api/session', () => ({ isReadOnly, stream: options.stream.name }))
    serveLive(inside, looker)
    serveActions(inside, options)
  })
  await app.listen({ host: options.host, port: options.port })
  return { url: urlOf(app), close: () => app.close() }
}

const visitorOf = ({ socket, method, headers }: FastifyRequest) => ({
  ...{ address: socket.remoteAddress ?? '', method, headers },
})

async function refuseForged(request: FastifyRequest, reply: FastifyReply) {
  if (isForged(visitorOf(request))) return reply.code(403).send({ error: 'this request comes from another site' })
}

function logIn(door: Door, token: unknown, { headers }: FastifyRequest, reply: FastifyReply) {
  const session = typeof token === 'string' ? door.sessionFor(token) : undefined
  if (session === undefined) return reply.code(401).send({ error: 'this is not the token' })
  // Behind a proxy that speaks TLS, the cookie is for TLS only.
  const secure = headers['x-forwarded-proto'] === 'https' ? '; Secure' : ''
  const cookie = `${COOKIE}=${session}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${SESSION_SECONDS}${secure}`
  return reply.header('set-cookie', cookie).send({})
}

/** What Redis or the library refuses is the caller's to know; anything else is not told. */
function answerError(error: FastifyError, _: FastifyRequest, reply: FastifyReply) {
  const { statusCode = 500, message } = error
  if (error instanceof StreamsError) return reply.code(409).send({ error: message, code: error.code })
  return reply.code(statusCode).send({ error: statusCode < 500 ? message : 'the console failed' })
}

function urlOf(app: FastifyInstance): string {
  const { address, family, port } = app.server.address() as AddressInfo
  const host = address === '0.0.0.0' || address === '::' ? '127.0.0.1' : address
  return `http://${family === 'IPv6' && host.includes(':') ? `[${host}]` : host}:${port}`
}
