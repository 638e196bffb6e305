import {
  InvalidEventError,
  ProducerClosedError,
  PublishBufferFullError,
  PublishTimeoutError,
  RedisRefusedError,
  StreamFullError,
} from '../base/errors.ts'

/**
 * How a publish went. `duplicate`: the event id was appended before. The others are errors: the schema refuses the event;
 * the stream or the buffer of the producer is full; Redis has not taken the event in time, or refuses for good; the
 * producer was closed before; any other error.
 */
export type PublishResult =
  | 'appended'
  | 'duplicate'
  | 'invalid'
  | 'stream-full'
  | 'buffer-full'
  | 'timed-out'
  | 'refused'
  | 'closed'
  | 'failed'

const ERRORS: readonly [type: new (...args: never[]) => Error, result: PublishResult][] = [
  [InvalidEventError, 'invalid'],
  [StreamFullError, 'stream-full'],
  [PublishBufferFullError, 'buffer-full'],
  [PublishTimeoutError, 'timed-out'],
  [RedisRefusedError, 'refused'],
  [ProducerClosedError, 'closed'],
]

export function publishResultOf(error: unknown): PublishResult {
  return ERRORS.find(([type]) => error instanceof type)?.[1] ?? 'failed'
}
