import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { COOKIE, type Door, SESSION_MS } from './door.ts'
import { parse, Refused } from './refused.ts'
import { loginBody } from './requests.ts'

/** Wrong tokens, from one address in a minute. */
const MAX_FAILED = 10

interface Logger {
  warn(fields: object, message: string): void
}

/** Gives a cookie for the token, and takes it back. */
export function serveLogIn(app: FastifyInstance, door: Door, logger: Logger): void {
  const failedOf = app.createRateLimit({ max: MAX_FAILED, timeWindow: 60_000 })

  app.post('/api/login', async (request, reply) => {
    const { token } = parse(loginBody, request.body)
    const failed = await failedOf(request, { increment: false })
    if (!failed.isAllowed && failed.remaining === 0) throw new Refused(429, 'too many wrong tokens: wait for a minute')
    const session = door.sessionFor(token)
    if (session !== undefined) return setCookie(request, reply, session, SESSION_MS / 1_000)
    await failedOf(request)
    logger.warn({ by: request.ip }, 'somebody has shown a wrong token')
    throw new Refused(401, 'this is not the token')
  })
  app.post('/api/logout', async (request, reply) => setCookie(request, reply, '', 0))
}

function setCookie({ headers }: FastifyRequest, reply: FastifyReply, session: string, maxAgeSeconds: number) {
  // Behind a proxy that speaks TLS, the cookie is for TLS only.
  const secure = headers['x-forwarded-proto'] === 'https' ? '; Secure' : ''
  const cookie = `${COOKIE}=${session}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${maxAgeSeconds}${secure}`
  return reply.header('set-cookie', cookie).send({})
}
