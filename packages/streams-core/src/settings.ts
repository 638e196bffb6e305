// For programs that read their settings from the environment: the ranges and defaults of options, and the
// schemas of names.

export {
  consumerLimits,
  idempotencyLimits,
  type Limits,
  producerLimits,
  retentionLimits,
  retryLimits,
} from './define/limits.ts'
export { consumerNameSchema, groupSchema } from './define/names.ts'
