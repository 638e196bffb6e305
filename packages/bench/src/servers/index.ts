import type { ServerKind } from '../contestant.ts'
import { startRedisServer } from './redis.ts'
import type { Server } from './server.ts'

export type { Server, ServerUsage } from './server.ts'

/** Starts a server of this kind, with nothing in it. @throws where there is no program for it. */
export const startServer: Record<ServerKind, () => Promise<Server>> = {
  redis: startRedisServer,
  nats: () => Promise.reject(new Error('no nats-server on the PATH')),
  postgres: () => Promise.reject(new Error('no postgres on the PATH')),
  rabbitmq: () => Promise.reject(new Error('no rabbitmq-server on the PATH')),
}
