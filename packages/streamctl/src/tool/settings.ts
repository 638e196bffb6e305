import { readSettings, redisOf, retentionOf, sharedSettings } from '@redis-streams-processor/service-kit/settings'
import type { RedisOptions, Retention } from '@redis-streams-processor/streams-core'
import { z } from 'zod'

const { LOG_LEVEL, LEDGER_DIR, OPS_PORT, OPS_HOST, ...ofStreams } = sharedSettings
const schema = z.object(ofStreams)

export interface Settings {
  redis: RedisOptions
  /** Where Redis is, without user and password. */
  address: string
  stream: string
  retention: () => Retention
  /** What the reader of the settings has to say: which file it read, and names that it does not know. */
  remarks: string[]
}

/**
 * The settings of the services, from the same environment and `.env`; options of the command line come first.
 * @throws {SettingsError} naming every setting that is wrong.
 */
export function settingsFor(given: { redis?: string; stream?: string }): Settings {
  const remarks: string[] = []
  const env = { ...process.env }
  if (given.redis !== undefined) env.REDIS_URL = given.redis
  if (given.stream !== undefined) env.STREAM = given.stream
  const settings = readSettings(schema, { env, tell: (line) => remarks.push(line) })
  return {
    redis: redisOf(settings),
    address: settings.REDIS_URL.replace(/\/\/[^@/]*@/, '//').replace(/\?.*$/, ''),
    stream: settings.STREAM,
    retention: () => retentionOf(settings),
    remarks,
  }
}
