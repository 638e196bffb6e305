// For programs that read their settings from the environment: the ranges and defaults of options, the schemas of names
// and ids, and what a URL of Redis may be. For who sets up Redis: the rights of each program.

export {
  circuitLimits,
  consumerLimits,
  idempotencyLimits,
  type Limits,
  producerLimits,
  retentionLimits,
  retryLimits,
} from './define/limits.ts'
export { consumerNameSchema, groupSchema } from './define/names.ts'
export { letterReasons } from './define/outcome.ts'
export { isRedisUrl } from './define/redis-options.ts'
export { commandRules, keyRules, type Program, rights } from './define/rights.ts'
export { entryIdSchema } from './define/start-point.ts'
