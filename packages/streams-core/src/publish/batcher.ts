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

/** One batch is on its way to Redis at a time; what is published meanwhile is the next batch. */
export class Batcher {
  readonly #options: BatcherOptions
  readonly #broker: AppendBroker
  readonly #ready: () => Promise<void>
  readonly #changed = new Condition()
  #queue: OpenPublish[] = []
  #inFlight: OpenPublish[] = []
  #flushing: Promise<void> | undefined
  /** Why the last batch was not appended. */
  lastProblem: unknown

  /** @param actors.ready Resolves once there is a connection; rejects when Redis refuses. */
  constructor(options: BatcherOptions, actors: { broker: AppendBroker; ready: () => Promise<void> }) {
    this.#options = options
    this.#broker = actors.broker
    this.#ready = actors.ready
  }

  /** Publishes that may have no answer yet, the oldest first. */
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
      () => this.#queue.length === 0 && !this.#inFlight.some(({ isOpen }) => isOpen),
      neverAborted,
    )
  }

  /** Resolves when no batch is on its way any more. */
  async whenIdle(): Promise<void> {
    await this.#flushing
  }

  async #flush(): Promise<void> {
    // Everything published in this turn of the event loop goes together.
    await new Promise(setImmediate)
    let failures = 0
    while (this.#queue.length > 0) {
      // Without a connection this waits, and deadlines pass all the same. A refusal is met again in `append`.
      await this.#ready().catch(() => {})
      this.#inFlight = this.#queue.splice(0, this.#batchSize())
      if (this.#inFlight.length === 0) break
      const again = await this.#append(this.#inFlight)
      this.#inFlight = []
      this.#queue = [...again.filter(({ isOpen }) => isOpen), ...this.#queue]
      this.#changed.notify()
      failures = again.length > 0 ? failures + 1 : 0
      if (failures > 0) await sleep(backoffMs(failures), neverAborted)
    }
    this.#flushing = undefined
  }

  /** So many events that no call holds Redis up for long: at most `maxBatch`, and about a megabyte. */
  #batchSize(): number {
    let bytes = 0
    const tooMany = this.#queue.slice(0, this.#options.maxBatch).findIndex(({ event }) => {
      bytes += event.size
      return bytes > MAX_BATCH_BYTES
    })
    return tooMany === -1 ? this.#options.maxBatch : Math.max(1, tooMany)
  }

  /** Returns what is to be tried again. */
  async #append(batch: OpenPublish[]): Promise<OpenPublish[]> {
    try {
      const replies = await this.#broker.append(batch.map(({ event }) => event))
      return batch.filter((publish, i) => !this.#answer(publish, replies[i]))
    } catch (error) {
      this.lastProblem = error
      const mayHaveRun = error instanceof RedisUnavailableError && error.mayHaveRun
      for (const publish of batch) publish.mayBeInRedis ||= mayHaveRun
      // An append whose reply was lost may have happened: only deduplication makes it safe to try again.
      if (isTemporary(error) && (this.#options.isRemembered || !mayHaveRun)) return batch
      for (const publish of batch) if (publish.isOpen) publish.reject(error as Error)
      return []
    }
  }

  /** False: the event is to be tried again. */
  #answer(publish: OpenPublish, reply: AppendReply | undefined): boolean {
    if (!publish.isOpen) return true
    switch (reply?.status) {
      case 'appended':
      case 'duplicate':
        publish.resolve(reply.entryId, reply.status === 'duplicate')
        return true
      case 'full':
        publish.reject(new StreamFullError(reply.length, this.#options.maxLength))
        return true
      case 'error': {
        const error = toError(reply.message)
        this.lastProblem = error
        if (isTemporary(error)) return false
        publish.reject(error)
        return true
      }
      case undefined:
        return false
      default:
        return reply satisfies never
    }
  }
}

function toError(message: string): Error {
  const error = new StreamsError('REDIS_ERROR', message)
  return isRefusal(error) ? new RedisRefusedError(message) : error
}
