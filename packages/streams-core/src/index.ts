export { compareIds } from './base/entry-id.ts'
export {
  CommitError,
  GroupAtWorkError,
  InvalidEventError,
  InvalidOptionError,
  LeaseLostError,
  NoSuchGroupError,
  ProducerClosedError,
  PublishBufferFullError,
  PublishTimeoutError,
  RedisRefusedError,
  RedisUnavailableError,
  StreamFullError,
  StreamsError,
} from './base/errors.ts'
export type { ConsumerLife, ConsumerState } from './broker/consumer-state.ts'
export type { WrongType } from './broker/examine.ts'
export type { GroupState, ServerState, StreamState } from './broker/inspect.ts'
export type { DeadLetter } from './broker/letter.ts'
export type { FailedDelivery } from './broker/letter-codec.ts'
export type { NewestLetters } from './broker/newest-letters.ts'
export { type HolderRole, RETRY_CONSUMER } from './broker/pseudo-consumers.ts'
export type { ServerWarning } from './broker/server-settings.ts'
export type { ClaimReason } from './broker/token.ts'
export type { HeldBack, Trimmed } from './broker/trim-now.ts'
export type { HeldEntry, Holder, NameInGroup, StreamLook, Takeover, WatchedGroup } from './broker/watch.ts'
export { type Consumer, type ConsumerOptions, createConsumer } from './consume/consumer.ts'
export {
  type BatchContext,
  type BatchDelivery,
  BatchHandler,
  type BatchOptions,
  batch,
  type Handle,
} from './define/batch.ts'
export type {
  CircuitSettings,
  ConsumerSettings,
  IdempotencySettings,
  RetrySettings,
} from './define/consumer-settings.ts'
export type { ControlsState, Pause } from './define/controls.ts'
export { isEventId } from './define/entry.ts'
export type { Context, Handler, Handlers } from './define/handler.ts'
export type { DeadLetterReason, HandlerResult, Outcome, RunResult } from './define/outcome.ts'
export type { ProducerSettings } from './define/producer-settings.ts'
export type { PublishResult } from './define/publish-result.ts'
export type { RedisAddress, RedisOptions } from './define/redis-options.ts'
export type { AcknowledgedRetention, MaxlenRetention, Retention } from './define/retention.ts'
export { exponential, type RetryDelay } from './define/retry-delay.ts'
export type { StartPoint } from './define/start-point.ts'
export {
  type Catalog,
  defineStream,
  type EventInput,
  type EventOf,
  type EventType,
  type StreamDefinition,
  type StreamEvent,
} from './define/stream.ts'
export { reject, resultOfThrown, retryAfter, skip } from './define/verbs.ts'
export { type GroupControls, openControls } from './operate/controls.ts'
export {
  type DeadLetters,
  type LetterPage,
  type LetterSearch,
  type LongWork,
  openDeadLetters,
  type PurgeOptions,
  type PurgeResult,
  type RedriveOptions,
  type RedriveResult,
} from './operate/dead-letters.ts'
export type { EventState, HeldRole } from './operate/event-state.ts'
export { type Examination, examineStream } from './operate/examine.ts'
export { type Finder, findEvent, openFinder } from './operate/find.ts'
export type { FindOptions, FoundEntry, FoundEvent, FoundState } from './operate/found.ts'
export {
  type DeleteResult,
  type Groups,
  type GroupsOptions,
  openGroups,
  type PruneResult,
  type StartOptions,
  type StartResult,
} from './operate/groups.ts'
export { type Hindrance, whyOf } from './operate/hindrance.ts'
export { inspectStream, openInspector, type StreamInspector } from './operate/inspect.ts'
export { type Judged, type Judgement, judgeGroup } from './operate/judge.ts'
export { isLeaseOver } from './operate/lease.ts'
export type { LetterFilter } from './operate/letter-filter.ts'
export { listPending, type PendingEvent, type PendingOptions, type PendingState } from './operate/pending.ts'
export { type TailEntry, type TailOptions, tailStream } from './operate/tail.ts'
export { trimStream } from './operate/trim.ts'
export { openWatcher, type StreamWatcher, type WatchOptions } from './operate/watch.ts'
export type { Published } from './publish/open-publish.ts'
export { createProducer, type Producer, type ProducerOptions } from './publish/producer.ts'
export type { PublishOptions } from './publish/publish-options.ts'
export type { Logger } from './tell/log.ts'
export type { Health, Load, Report, SettledReport } from './tell/report.ts'
export type { OpenTelemetryApi } from './tell/trace.ts'
