import { StreamsError } from '@redis-streams-processor/streams-core'
import type { FastifyRequest } from 'fastify'
import { Refused } from './refused.ts'

/** What a caller is told of an error. */
export interface Problem {
  status: number
  error: string
  code?: string
}

/** By the code of the library's error. Anything else that it refuses is a conflict with what is there. */
const STATUSES: Readonly<Record<string, number>> = {
  INVALID_OPTION: 400,
  NO_SUCH_GROUP: 404,
  REDIS_REFUSED: 502,
  REDIS_UNAVAILABLE: 503,
}

/** Makes errors fit to be told. What is not the caller's fault is logged, too. */
export class Problems {
  readonly #logger: { error(fields: object, message: string): void }

  constructor(logger: { error(fields: object, message: string): void }) {
    this.#logger = logger
  }

  of(error: unknown, { method, routeOptions, socket }: FastifyRequest): Problem {
    const problem = problemOf(error as Error & { statusCode?: number })
    // What ends because who asked has left, or because the console ends, has not failed.
    if (problem.status >= 500 && !(error instanceof Refused) && !socket.destroyed) {
      // The route and not the URL, which may hold what somebody searches for.
      const { message, stack } = error as Error
      const where = error instanceof StreamsError ? {} : { stack }
      this.#logger.error({ method, route: routeOptions.url, error: message, ...where }, 'a request failed')
    }
    return problem
  }
}

function problemOf(error: Error & { statusCode?: number }): Problem {
  const { message, statusCode = 500 } = error
  if (error instanceof StreamsError) return { status: STATUSES[error.code] ?? 409, error: message, code: error.code }
  const isTold = statusCode < 500 || error instanceof Refused
  return { status: statusCode, error: isTold ? message : 'the console failed: its log says why' }
}
