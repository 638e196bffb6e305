import { logLevel, optionalWhole, redisUrl, streamSettings, whole } from '@redis-streams-processor/service-kit'
import { producerLimits } from '@redis-streams-processor/streams-core/settings'
import { z } from 'zod'

const MOST_EVENTS = 100_000_000
const durabilities = ['memory', 'fsync'] as const

export const settingsSchema = z
  .object({
    REDIS_URL: redisUrl,
    LOG_LEVEL: logLevel,
    ...streamSettings,
    INTERVAL_MS: whole({ min: 1, max: 3_600_000, default: 500 }),
    BURST: optionalWhole({ min: 1, max: MOST_EVENTS }),
    FAILING: optionalWhole({ min: 0, max: MOST_EVENTS }),
    DUPLICATES: whole({ min: 0, max: MOST_EVENTS, default: 0 }),
    USERS: whole({ min: 1, max: 1_000_000, default: 10 }),
    PUBLISH_TIMEOUT_MS: whole(producerLimits.publishTimeoutMs),
    DEDUPE_MS: whole(producerLimits.dedupeMs),
    DURABILITY: z.enum(durabilities, { error: `one of ${durabilities.join(', ')}` }).default('memory'),
    LEDGER_DIR: z.string().optional(),
  })
  .refine(({ DEDUPE_MS, PUBLISH_TIMEOUT_MS }) => DEDUPE_MS === 0 || DEDUPE_MS >= PUBLISH_TIMEOUT_MS, {
    path: ['DEDUPE_MS'],
    message: '0, or at least PUBLISH_TIMEOUT_MS',
  })

export type Settings = z.output<typeof settingsSchema>
