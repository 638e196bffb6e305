import { Condition } from '../base/condition.ts'
import {
  PublishBufferFullError,
  RedisRefusedError,
  RedisUnavailableError,
  StreamFullError,
  StreamsError,
} from '../base/errors.ts'
import { backoffMs, neverAborted, sleep } from '../base/loop.ts'
import { isRefusal, isTemporary } from '../base/redis-errors.ts'
import type { AppendBroker, AppendReply } from '../broker/append.ts'
import type { OpenPublish } from './open-publish.ts'

/** A larger call would hold Redis up for long. */
const MAX_BATCH_BYTES = 1_000_000

export interface BatcherOptions {
  maxBuffered: number
  maxBatch: number
  /** The cap that `StreamFullError` names. */
  maxLength: number
  /** Whether event ids are remembered, so that a batch may be sent again after its reply was lost. */
  isRemembered: boolean
}

/** A batch that Redis has answered. */
interface AnsweredBatch {
  publishes: readonly OpenPublish[]
  replies: readonly AppendReply[]
}

/**
 * One batch is on its way to Redis at a time; what is published meanwhile is the next batch. The publishes of a batch
 * are told their answers while the next batch is on its way: so Redis works while their callers do, and a third more
 * events are published in a second.
 */
export class Batcher {
  readonly #options: BatcherOptions
  readonly #broker: AppendBroker
  readonly #ready: () => Promise<void>
  readonly #changed = new Condition()
  /** What is to be sent; the oldest first. */
  #queue: OpenPublish[] = []
  /** The batch that is on its way. */
  #inFlight: OpenPublish[] = []
  /** A batch that Redis has answered. Its publishes are told once the next batch is written, or answered if that is sooner. */
  #untold: AnsweredBatch | undefined
  #flushing: Promise<void> | undefined
  /** Why the last batch was not appended. */
  lastProblem: unknown

  /** @param actors.ready Resolves once there is a connection; rejects when Redis refuses. */
  constructor(options: BatcherOptions, actors: { broker: AppendBroker; ready: () => Promise<void> }) {
    this.#options = options
    this.#broker = actors.broker
    this.#ready = actors.ready
  }

  /** Publishes that may have no reply of Redis yet, the oldest first. */
  *waiting(): Generator<OpenPublish> {
    yield* this.#inFlight
    yield* this.#queue
  }

  /** @throws {PublishBufferFullError} when too many are waiting already. */
  refuseIfFull(): void {
    const { maxBuffered } = this.#options
    if (this.#queue.length >= maxBuffered) throw new PublishBufferFullError(maxBuffered)
  }

  add(publish: OpenPublish): void {
    this.#queue.push(publish)
    this.#flushing ??= this.#flush()
  }

  /** Rejects publishes whose deadline has passed. `mayBeInRedis`: the event was sent, and no reply came. */
  timeOut(late: readonly OpenPublish[], errorFor: (mayBeInRedis: boolean) => Error): void {
    const inFlight = new Set(this.#inFlight)
    for (const publish of late) publish.reject(errorFor(publish.mayBeInRedis || inFlight.has(publish)))
    this.#queue = this.#queue.filter(({ isOpen }) => isOpen)
    this.#changed.notify()
  }

  /** Resolves when every publish has its answer. */
  async whenAnswered(): Promise<void> {
    await this.#changed.wait(
      () => this.#queue.length === 0 && !this.#untold && !this.#inFlight.some(({ isOpen }) => isOpen),
      neverAborted,
    )
  }

  /** Resolves when no batch is on its way any more. */
  async whenIdle(): Promise<void> {
    await this.#flushing
  }

  async #flush(): Promise<void> {
    // Everything published in this iteration of the event loop goes together.
    await new Promise(setImmediate)
    let failures = 0
    while (this.#queue.length > 0) {
      // Without a connection this waits, and deadlines pass all the same. A refusal is met again in `append`.
      await this.#ready().catch(() => {})
      this.#inFlight = this.#queue.splice(0, this.#batchSize())
      if (this.#inFlight.length === 0) break
      const again = await this.#append(this.#inFlight)
      this.#inFlight = []
      failures = again.length === 0 ? 0 : failures + 1
      if (failures === 0) {
        this.#tellAnswersBehindNextBatch()
        continue
      }
      this.#queue = [...again.filter(({ isOpen }) => isOpen), ...this.#queue]
      this.#tellAnswers()
      await sleep(backoffMs(failures), neverAborted)
    }
    this.#flushing = undefined
  }

  /**
   * Answers wait until the next batch is on the socket. So there are two immediates: node-redis writes the batch in an
   * immediate that it sets between them. If it stopped doing so, answers would come before the write, and nothing else.
   */
  #tellAnswersBehindNextBatch(): void {
    if (this.#queue.length === 0) this.#tellAnswers()
    else setImmediate(() => setImmediate(() => this.#tellAnswers()))
  }

  /** So many events that no call holds Redis up for long: at most `maxBatch`, and about a megabyte. */
  #batchSize(): number {
    const most = Math.min(this.#options.maxBatch, this.#queue.length)
    let [count, bytes] = [0, 0]
    while (count < most) {
      bytes += this.#queue[count]?.event.size ?? 0
      if (bytes > MAX_BATCH_BYTES) break
      count += 1
    }
    return Math.max(1, count)
  }

  /** Returns what is to be tried again. If Redis has answered, leaves the batch in `#untold`. */
  async #append(batch: OpenPublish[]): Promise<OpenPublish[]> {
    try {
      const replies = await this.#broker.append(batch.map(({ event }) => event))
      // Redis may be faster than the immediates that answers wait for: the batch before this one is told first.
      this.#tellAnswers()
      this.lastProblem = undefined
      this.#untold = { publishes: batch, replies }
      return batch.filter((_, i) => this.#isToBeTriedAgain(replies[i]))
    } catch (error) {
      this.lastProblem = error
      const mayHaveRun = error instanceof RedisUnavailableError && error.mayHaveRun
      for (const publish of batch) publish.mayBeInRedis ||= mayHaveRun
      // An append whose reply was lost may have happened: only deduplication makes it safe to try again.
      if (isTemporary(error) && (this.#options.isRemembered || !mayHaveRun)) return batch
      const problem = error instanceof StreamsError ? error : toError((error as Error).message, error)
      for (const publish of batch) if (publish.isOpen) publish.reject(problem)
      return []
    }
  }

  #isToBeTriedAgain(reply: AppendReply | undefined): boolean {
    return reply === undefined || (reply.status === 'error' && isTemporary(toError(reply.message)))
  }

  #tellAnswers(): void {
    const untold = this.#untold
    this.#untold = undefined
    untold?.publishes.forEach((publish, i) => {
      if (publish.isOpen) this.#answer(publish, untold.replies[i])
    })
    this.#changed.notify()
  }

  /** An event that is to be tried again has no answer yet. */
  #answer(publish: OpenPublish, reply: AppendReply | undefined): void {
    switch (reply?.status) {
      case 'appended':
      case 'duplicate':
        return publish.resolve(reply.entryId, reply.status === 'duplicate')
      case 'full':
        return publish.reject(new StreamFullError(reply.length, this.#options.maxLength))
      case 'error': {
        const error = toError(reply.message)
        this.lastProblem = error
        if (!this.#isToBeTriedAgain(reply)) publish.reject(error)
        return
      }
      case undefined:
        return
      default:
        return reply satisfies never
    }
  }
}

function toError(message: string, cause?: unknown): Error {
  const error = new StreamsError('REDIS_ERROR', message, { cause })
  return isRefusal(error) ? new RedisRefusedError(message) : error
}
