// For programs that read their settings from the environment: the ranges, defaults and names that the options have.

export {
  consumerLimits,
  idempotencyLimits,
  type Limits,
  producerLimits,
  retentionLimits,
  retryLimits,
} from './define/limits.ts'
export { consumerNameSchema, groupSchema } from './define/names.ts'
