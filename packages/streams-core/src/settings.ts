// For programs that read their settings from the environment: the ranges and defaults of options, the schemas of names,
// and what a URL of Redis may be.

export {
  consumerLimits,
  idempotencyLimits,
  type Limits,
  producerLimits,
  retentionLimits,
  retryLimits,
} from './define/limits.ts'
export { consumerNameSchema, groupSchema } from './define/names.ts'
export { isRedisUrl } from './define/redis-options.ts'
