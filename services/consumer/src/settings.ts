import { logLevel, redisUrl, streamSettings, whole } from '@redis-streams-processor/service-kit'
import { consumerNameSchema, groupSchema } from '@redis-streams-processor/streams-core/settings'
import { z } from 'zod'

export const settingsSchema = z
  .object({
    REDIS_URL: redisUrl,
    LOG_LEVEL: logLevel,
    ...streamSettings,
    GROUP: groupSchema.default('user_group'),
    CONSUMER: consumerNameSchema.optional(),
    CONCURRENCY: whole(1, 10_000).default(16),
    MAX_BUFFERED: whole(0, 100_000).optional(),
    LEASE_MS: whole(500, 43_200_000).default(10_000),
    BLOCK_MS: whole(10, 60_000).default(2_000),
    MAX_DELIVERIES: whole(1, 1_000).default(5),
    RETRY_BASE_MS: whole(0, 86_400_000).default(200),
    RETRY_MAX_MS: whole(0, 86_400_000).default(30_000),
    DRAIN_TIMEOUT_MS: whole(0, 86_400_000).default(30_000),
    STALLED_AFTER_MS: whole(1_000, 86_400_000).default(60_000),
    IDEMPOTENCY_TTL_MS: whole(0, 31_536_000_000).default(0),
    BLOCKED_MS: whole(0, 3_600_000).default(30_000),
    HANDLERS: z.string().optional(),
    WORK_MS: whole(0, 3_600_000).default(300),
    LEDGER_DIR: z.string().optional(),
  })
  .refine(({ RETRY_BASE_MS, RETRY_MAX_MS }) => RETRY_BASE_MS <= RETRY_MAX_MS, {
    path: ['RETRY_BASE_MS'],
    message: 'at most RETRY_MAX_MS',
  })

export type Settings = z.output<typeof settingsSchema>
