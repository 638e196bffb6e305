import type { AddressInfo } from 'node:net'
import rateLimit from '@fastify/rate-limit'
import type { RedisOptions } from '@redis-streams-processor/streams-core'
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify'
import { serveActions } from './actions.ts'
import { Changes } from './changes.ts'
import { openConnections } from './connections.ts'
import { type Door, isForged } from './door.ts'
import { serveLive } from './live.ts'
import { serveLogIn } from './log-in.ts'
import type { Looker } from './looker.ts'
import { readPageFiles } from './page-files.ts'
import { Problems } from './problems.ts'
import { serveReads } from './reads.ts'
import { Refused } from './refused.ts'
import { Turns } from './turns.ts'

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
const MAX_BODY_BYTES = 16_384
/** Searches and dry runs, of all browsers together. */
const LONG_READS = { atOnce: 4, mayWait: 100 }

type Log = (fields: object, message: string) => void

export interface ServerOptions {
  host: string
  port: number
  stream: { name: string }
  redis: RedisOptions
  looker: Looker
  door: Door
  isReadOnly: boolean
  logger: { info: Log; warn: Log; error: Log }
}

/** The page, what it asks for, and who may. */
export async function startServer(options: ServerOptions): Promise<{ url: string; close(): Promise<void> }> {
  const { door, isReadOnly, logger, looker, redis, stream } = options
  const connections = openConnections(stream, redis)
  const changes = new Changes(logger)
  const turns = new Turns(LONG_READS)
  const problems = new Problems(logger)
  const isAdmitted = (request: FastifyRequest) => door.admits(visitorOf(request))

  const app = fastify({ logger: false, bodyLimit: MAX_BODY_BYTES, forceCloseConnections: true })
  await app.register(rateLimit, { global: false })
  app.addHook('onRequest', async (_, reply) => {
    reply.headers(HEADERS)
  })
  app.setErrorHandler((error, request, reply) => {
    const { status, ...told } = problems.of(error, request)
    return reply.code(status).send(told)
  })
  for (const { path, type, content } of readPageFiles()) {
    app.get(path, (_, reply) => reply.header('cache-control', 'no-cache').type(type).send(content))
  }
  await app.register(async (api) => {
    api.addHook('onRequest', refuseForged)
    serveLogIn(api, door, logger)
    await api.register(async (inside) => {
      inside.addHook('onRequest', admit)
      inside.get('/api/session', () => ({ isReadOnly, stream: stream.name, hasToken: door.hasToken }))
      serveLive(inside, looker, isAdmitted)
      serveReads(inside, { connections, looker, turns })
      serveActions(inside, { connections, looker, changes, turns, problems, isReadOnly })
    })
  })

  async function admit(request: FastifyRequest, reply: FastifyReply) {
    if (isAdmitted(request)) return
    const why = door.hasToken ? 'a token is needed' : 'this page is for its own machine only: CONSOLE_TOKEN is not set'
    return reply.code(401).send({ error: why, hasToken: door.hasToken })
  }

  await app.listen({ host: options.host, port: options.port })
  return {
    url: urlOf(app),
    async close() {
      // Whoever waits for an answer is cut off, and what they have asked for ends with that.
      await app.close()
      await changes.ended()
      await connections.close()
    },
  }
}

const visitorOf = ({ socket, method, headers }: FastifyRequest) => ({
  ...{ address: socket.remoteAddress ?? '', method, headers },
})

async function refuseForged(request: FastifyRequest, reply: FastifyReply) {
  reply.header('cache-control', 'no-store')
  if (isForged(visitorOf(request))) throw new Refused(403, 'this request comes from another site')
}

function urlOf(app: FastifyInstance): string {
  const { address, family, port } = app.server.address() as AddressInfo
  const host = address === '0.0.0.0' || address === '::' ? '127.0.0.1' : address
  return `http://${family === 'IPv6' && host.includes(':') ? `[${host}]` : host}:${port}`
}
