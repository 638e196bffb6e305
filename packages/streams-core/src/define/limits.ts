/** The range of a number option, and its default. */
export interface Limits {
  readonly min: number
  readonly max: number
  readonly default: number
}

const MINUTE_MS = 60_000
const DAY_MS = 86_400_000

/** How far ahead a retry can be planned. 24 hours. */
export const RETRY_HORIZON_MS = DAY_MS

const maxEventBytes: Limits = { min: 1_024, max: 100_000_000, default: 1_048_576 }

// The one place where ranges and defaults stand: the schemas, the services and the tests of the documentation take them
// from here.

export const consumerLimits = {
  concurrency: { min: 1, max: 10_000, default: 16 },
  /** Its default depends on how long handlers take. */
  maxBuffered: { min: 0, max: 100_000 },
  leaseMs: { min: 500, max: DAY_MS / 2, default: 10_000 },
  blockMs: { min: 10, max: MINUTE_MS, default: 2_000 },
  handlerTimeoutMs: { min: 0, max: DAY_MS, default: 0 },
  drainTimeoutMs: { min: 0, max: DAY_MS, default: 30_000 },
  stalledAfterMs: { min: 1_000, max: DAY_MS, default: MINUTE_MS },
  maxEventBytes,
} as const

export const retryLimits = {
  maxDeliveries: { min: 1, max: 1_000, default: 5 },
  baseMs: { min: 0, max: RETRY_HORIZON_MS, default: 200 },
  maxMs: { min: 0, max: RETRY_HORIZON_MS, default: 30_000 },
} as const

export const idempotencyLimits = {
  ttlMs: { min: 1_000, max: 365 * DAY_MS, default: 7 * DAY_MS },
} as const

export const circuitLimits = {
  failureShare: { min: 0.01, max: 1, default: 0.5 },
  deliveries: { min: 1, max: 10_000, default: 20 },
  probeEveryMs: { min: 100, max: DAY_MS, default: 10_000 },
} as const

export const batchLimits = {
  maxSize: { min: 1, max: 1_000, default: 100 },
  maxWaitMs: { min: 0, max: MINUTE_MS, default: 100 },
} as const

export const producerLimits = {
  publishTimeoutMs: { min: 10, max: DAY_MS, default: 5_000 },
  dedupeMs: { min: 0, max: 30 * DAY_MS, default: 2 * MINUTE_MS },
  maxBuffered: { min: 1, max: 10_000_000, default: 10_000 },
  maxBatch: { min: 1, max: 5_000, default: 500 },
  maxEventBytes,
} as const

export const retentionLimits = {
  maxLength: { min: 0, max: Number.MAX_SAFE_INTEGER, default: 0 },
  keepAtLeast: { min: 0, max: Number.MAX_SAFE_INTEGER, default: 0 },
  keepForMs: { min: 0, max: 365 * DAY_MS, default: 0 },
  warnAfterMs: { min: 1_000, max: DAY_MS, default: MINUTE_MS },
  /** `maxLength` of the policy `maxlen`. */
  lossyMaxLength: { min: 1, max: Number.MAX_SAFE_INTEGER, default: 10_000 },
} as const
