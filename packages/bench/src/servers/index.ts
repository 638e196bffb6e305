import type { ServerKind } from '../contestant.ts'
import { startNats } from './nats.ts'
import { startPostgres } from './postgres.ts'
import { startRabbitmq } from './rabbitmq.ts'
import { startRedisServer } from './redis.ts'
import type { Server } from './server.ts'

export type { Server, ServerUsage } from './server.ts'

/** Starts a server of this kind, with nothing in it. @throws where there is no program for it. */
export const startServer: Record<ServerKind, () => Promise<Server>> = {
  redis: startRedisServer,
  nats: startNats,
  postgres: startPostgres,
  rabbitmq: startRabbitmq,
}
