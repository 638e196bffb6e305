import { optionalWhole, sharedSettings, whole } from '@redis-streams-processor/service-kit'
import {
  circuitLimits,
  consumerLimits,
  consumerNameSchema,
  groupSchema,
  idempotencyLimits,
  retryLimits,
} from '@redis-streams-processor/streams-core/settings'
import { z } from 'zod'

const { ttlMs } = idempotencyLimits

export const settingsSchema = z
  .object({
    ...sharedSettings,
    GROUP: groupSchema.default('user_group'),
    CONSUMER: consumerNameSchema.optional(),
    CONCURRENCY: whole(consumerLimits.concurrency),
    MAX_BUFFERED: optionalWhole(consumerLimits.maxBuffered),
    LEASE_MS: whole(consumerLimits.leaseMs),
    BLOCK_MS: whole(consumerLimits.blockMs),
    MAX_DELIVERIES: whole(retryLimits.maxDeliveries),
    RETRY_BASE_MS: whole(retryLimits.baseMs),
    RETRY_MAX_MS: whole(retryLimits.maxMs),
    HANDLER_TIMEOUT_MS: whole(consumerLimits.handlerTimeoutMs),
    DRAIN_TIMEOUT_MS: whole(consumerLimits.drainTimeoutMs),
    STALLED_AFTER_MS: whole(consumerLimits.stalledAfterMs),
    // 0 is the service's own way to say: no idempotency records.
    IDEMPOTENCY_TTL_MS: whole({ ...ttlMs, min: 0, default: 0 }).refine(
      (ms) => ms === 0 || ms >= ttlMs.min,
      `0, or at least ${ttlMs.min}`,
    ),
    // 0 is the service's own way to say: no circuit.
    CIRCUIT_FAILURE_PERCENT: whole({ min: 0, max: 100, default: 0 }),
    CIRCUIT_DELIVERIES: whole(circuitLimits.deliveries),
    CIRCUIT_PROBE_EVERY_MS: whole(circuitLimits.probeEveryMs),
    BLOCKED_MS: whole({ min: 0, max: 3_600_000, default: 30_000 }),
    HANDLERS: z.string().optional(),
    WORK_MS: whole({ min: 0, max: 3_600_000, default: 300 }),
  })
  .refine(({ RETRY_BASE_MS, RETRY_MAX_MS }) => RETRY_BASE_MS <= RETRY_MAX_MS, {
    path: ['RETRY_BASE_MS'],
    message: 'at most RETRY_MAX_MS',
  })

/** What `createConsumer` takes as circuit. */
export const circuitOf = (settings: z.output<typeof settingsSchema>) => ({
  failureShare: settings.CIRCUIT_FAILURE_PERCENT / 100,
  deliveries: settings.CIRCUIT_DELIVERIES,
  probeEveryMs: settings.CIRCUIT_PROBE_EVERY_MS,
})
