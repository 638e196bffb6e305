import { logLevel, redisUrl, streamSettings, whole } from '@redis-streams-processor/service-kit'
import { z } from 'zod'

const durabilities = ['memory', 'fsync'] as const

export const settingsSchema = z
  .object({
    REDIS_URL: redisUrl,
    LOG_LEVEL: logLevel,
    ...streamSettings,
    INTERVAL_MS: whole(1, 3_600_000).default(500),
    BURST: whole(1, 100_000_000).optional(),
    FAILING: whole(0, 100_000_000).optional(),
    DUPLICATES: whole(0, 100_000_000).default(0),
    USERS: whole(1, 1_000_000).default(10),
    PUBLISH_TIMEOUT_MS: whole(10, 86_400_000).default(5_000),
    DEDUPE_MS: whole(0, 2_592_000_000).default(120_000),
    DURABILITY: z.enum(durabilities, { error: `one of ${durabilities.join(', ')}` }).default('memory'),
    LEDGER_DIR: z.string().optional(),
  })
  .refine(({ DEDUPE_MS, PUBLISH_TIMEOUT_MS }) => DEDUPE_MS === 0 || DEDUPE_MS >= PUBLISH_TIMEOUT_MS, {
    path: ['DEDUPE_MS'],
    message: '0, or at least PUBLISH_TIMEOUT_MS',
  })

export type Settings = z.output<typeof settingsSchema>
