import { logLevel, optionalWhole, redisUrl, streamSettings, whole } from '@redis-streams-processor/service-kit'
import {
  consumerLimits,
  consumerNameSchema,
  groupSchema,
  idempotencyLimits,
  retryLimits,
} from '@redis-streams-processor/streams-core/settings'
import { z } from 'zod'

export const settingsSchema = z
  .object({
    REDIS_URL: redisUrl,
    LOG_LEVEL: logLevel,
    ...streamSettings,
    GROUP: groupSchema.default('user_group'),
    CONSUMER: consumerNameSchema.optional(),
    CONCURRENCY: whole(consumerLimits.concurrency),
    MAX_BUFFERED: optionalWhole(consumerLimits.maxBuffered),
    LEASE_MS: whole(consumerLimits.leaseMs),
    BLOCK_MS: whole(consumerLimits.blockMs),
    MAX_DELIVERIES: whole(retryLimits.maxDeliveries),
    RETRY_BASE_MS: whole(retryLimits.baseMs),
    RETRY_MAX_MS: whole(retryLimits.maxMs),
    DRAIN_TIMEOUT_MS: whole(consumerLimits.drainTimeoutMs),
    STALLED_AFTER_MS: whole(consumerLimits.stalledAfterMs),
    /** 0: no idempotency records. */
    IDEMPOTENCY_TTL_MS: whole({ min: 0, max: idempotencyLimits.ttlMs.max, default: 0 }),
    BLOCKED_MS: whole({ min: 0, max: 3_600_000, default: 30_000 }),
    HANDLERS: z.string().optional(),
    WORK_MS: whole({ min: 0, max: 3_600_000, default: 300 }),
    LEDGER_DIR: z.string().optional(),
  })
  .refine(({ RETRY_BASE_MS, RETRY_MAX_MS }) => RETRY_BASE_MS <= RETRY_MAX_MS, {
    path: ['RETRY_BASE_MS'],
    message: 'at most RETRY_MAX_MS',
  })

export type Settings = z.output<typeof settingsSchema>
