import type { Drill } from '../stage.ts'
import { backlog } from './backlog.ts'
import { batches } from './batches.ts'
import { controls } from './controls.ts'
import { duplicatePublish, flatMemory, malformed, redriveKill, slowGroup, streamFull } from './events.ts'
import { health } from './health.ts'
import { ingest } from './ingest.ts'
import { replay } from './operate.ts'
import { everything, flushall, groupDestroyed, lostReply, redisKill, redisPause, socketCut } from './redis.ts'
import { hungHandler, poison, rollingRestart, slowHandler, workerFreeze, workerKill } from './workers.ts'

export const drills = {
  'worker-kill': workerKill,
  'worker-freeze': workerFreeze,
  'rolling-restart': rollingRestart,
  'redis-kill': redisKill,
  'redis-pause': redisPause,
  'socket-cut': socketCut,
  'lost-reply': lostReply,
  poison,
  'slow-handler': slowHandler,
  'hung-handler': hungHandler,
  backlog,
  batches,
  malformed,
  'group-destroyed': groupDestroyed,
  flushall,
  'stream-full': streamFull,
  'slow-group': slowGroup,
  'flat-memory': flatMemory,
  'duplicate-publish': duplicatePublish,
  'redrive-kill': redriveKill,
  replay,
  controls,
  health,
  ingest,
  everything,
} as const satisfies Record<string, Drill>

export type DrillName = keyof typeof drills
