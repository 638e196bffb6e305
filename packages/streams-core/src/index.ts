// Define

export type { Argument, RedisOptions } from './broker/connection.ts'
export type { ConsumerState, GroupState, StreamState } from './broker/inspect.ts'
// Process
export { type Consumer, type ConsumerOptions, createConsumer } from './consumer.ts'
// Operate
export {
  type DeadLetter,
  type DeadLetters,
  type FailedDelivery,
  type LetterFilter,
  openDeadLetters,
  type RedriveOptions,
  type RedriveResult,
} from './dead-letters.ts'
export type { DeadLetterReason, Outcome, Run } from './decide.ts'

// Errors
export {
  CommitError,
  InvalidEventError,
  InvalidOptionError,
  LeaseLostError,
  ProducerClosedError,
  PublishBufferFullError,
  PublishTimeoutError,
  RedisRefusedError,
  RedisUnavailableError,
  StreamFullError,
  StreamsError,
} from './errors.ts'
export type { Context, Handler, Handlers } from './handler.ts'
export { compareIds } from './id.ts'
export { inspectStream } from './inspect.ts'
export {
  type ConsumerSettingsInput,
  consumerNameSchema,
  groupSchema,
  type ProducerSettingsInput,
  type Retention,
  type RetentionInput,
} from './options.ts'
// Publish
export { createProducer, type Producer, type ProducerOptions, type Published, type PublishOptions } from './producer.ts'
export type { Health, Logger, Report, SettledReport } from './report.ts'
export { exponential, type RetryDelay, reject, retryAfter } from './retry.ts'
export {
  type Catalog,
  defineStream,
  type EventInput,
  type EventOf,
  type EventType,
  type StreamDefinition,
  type StreamEvent,
} from './stream.ts'
