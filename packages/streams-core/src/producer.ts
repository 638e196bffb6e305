import { randomUUID } from 'node:crypto'
import { AppendBroker, type AppendReply } from './broker/append.ts'
import { Connection, type ConnectionState, type RedisOptions } from './broker/connection.ts'
import { Keys } from './broker/keys.ts'
import { now } from './clock.ts'
import { Condition } from './condition.ts'
import { encode, sizeOf } from './entry.ts'
import {
  isPassing,
  isRefusal,
  ProducerClosedError,
  PublishBufferFullError,
  PublishTimeoutError,
  RedisRefusedError,
  RedisUnavailableError,
  StreamFullError,
  StreamsError,
} from './errors.ts'
import { backoffMs, never, sleep } from './loop.ts'
import { type ProducerSettings, type ProducerSettingsInput, parseProducerSettings } from './options.ts'
import { type Logger, logReport, silent } from './report.ts'
import type { Catalog, EventInput, EventType, StreamDefinition } from './stream.ts'

export interface ProducerOptions extends ProducerSettingsInput {
  redis: RedisOptions
  /** A pino logger, or anything alike. Default: silent. */
  logger?: Logger
}

export interface PublishOptions {
  /** Identifies the event for deduplication and for its handlers. Default: a random UUID. */
  id?: string
  /** Default: the producer's `source`. */
  source?: string
  /** When it happened. Default: now. */
  time?: Date
  subject?: string
  traceparent?: string
}

export interface Published {
  id: string
  entryId: string
  /**
   * True when this event id had been appended before: `entryId` is the first one's, and nothing was appended now. Also
   * after a reply that was lost on the way: then the first was this very publish.
   */
  duplicate: boolean
}

export interface Producer<C extends Catalog> {
  /**
   * Connects, and checks that Redis can do what the options ask. Optional: `publish` connects, too.
   * @throws {RedisRefusedError} when Redis says no for good.
   */
  ready(): Promise<void>
  /**
   * Appends one event; resolves once Redis has it (see `durability`). Calls made while a batch is on its way form the
   * next batch. Safe to repeat with the same id after any error.
   * @throws {InvalidEventError} at once: the schema refuses it.
   * @throws {PublishBufferFullError} at once: too many are waiting.
   * @throws {StreamFullError} the stream is at its cap, and everything in it is still needed.
   * @throws {PublishTimeoutError} Redis has not taken it within `publishTimeoutMs`.
   * @throws {RedisRefusedError} Redis says no for good.
   */
  publish<T extends EventType<C>>(type: T, data: EventInput<C, T>, options?: PublishOptions): Promise<Published>
  /** Appends what waits, as far as its deadlines allow, and disconnects. Idempotent. */
  close(): Promise<void>
}

/** @throws {InvalidOptionError} naming option, range and value. */
export function createProducer<C extends Catalog>(stream: StreamDefinition<C>, options: ProducerOptions): Producer<C> {
  const { redis, logger = silent, ...given } = options
  return new GroupCommitProducer(stream, parseProducerSettings(given), redis, logger)
}

const MAX_BATCH_BYTES = 1_000_000

interface Pending {
  id: string
  fields: string[]
  deadline: number
  resolve: (published: Published) => void
  reject: (error: Error) => void
  isOpen: boolean
  /** Redis may have it, although no reply came. */
  wasSent: boolean
}

class GroupCommitProducer<C extends Catalog> implements Producer<C> {
  readonly #stream: StreamDefinition<C>
  readonly #settings: ProducerSettings
  readonly #connection: Connection
  readonly #broker: AppendBroker
  readonly #settled = new Condition()
  #isClosed = false
  /** Publishes that have no answer yet. */
  #open = 0
  #queue: Pending[] = []
  #inFlight: Pending[] = []
  #flushing: Promise<void> | undefined
  #deadlineTimer: NodeJS.Timeout | undefined
  #lastProblem: unknown

  constructor(stream: StreamDefinition<C>, settings: ProducerSettings, redis: RedisOptions, logger: Logger) {
    this.#stream = stream
    this.#settings = settings
    const onState = (state: ConnectionState, cause?: Error) =>
      logReport(logger, { kind: 'connection', connection: 'commands', state, cause })
    this.#connection = new Connection({ redis, name: 'producer', onState })
    this.#broker = new AppendBroker(this.#connection, new Keys(stream.name), stream.retention, settings)
    this.#connection.ready().catch(() => {})
  }

  async ready(): Promise<void> {
    await this.#connection.ready()
    await this.#broker.check()
  }

  publish<T extends EventType<C>>(type: T, data: EventInput<C, T>, options: PublishOptions = {}): Promise<Published> {
    return new Promise((resolve, reject) => {
      if (this.#isClosed) throw new ProducerClosedError()
      const { maxBuffered, maxEventBytes, publishTimeoutMs, source } = this.#settings
      const { id = randomUUID(), time = new Date(), subject, traceparent } = options
      const attributes = { id, source: options.source ?? source, time: time.toISOString(), subject, traceparent }
      const fields = encode(this.#stream.catalog, type, data, attributes, maxEventBytes)
      if (this.#queue.length >= maxBuffered) throw new PublishBufferFullError(maxBuffered)
      this.#queue.push({
        id,
        fields,
        deadline: now() + publishTimeoutMs,
        resolve,
        reject,
        isOpen: true,
        wasSent: false,
      })
      this.#open += 1
      this.#watchDeadlines()
      this.#flushing ??= this.#flush()
    })
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await this.#settled.wait(() => this.#open === 0, never)
    clearTimeout(this.#deadlineTimer)
    await this.#connection.close()
    await this.#flushing
  }

  /** One batch at a time: what is published meanwhile is the next one. */
  async #flush(): Promise<void> {
    // Everything published in this turn of the event loop goes together.
    await new Promise(setImmediate)
    let failures = 0
    while (this.#queue.length > 0) {
      // Without a connection this waits; deadlines pass all the same. A refusal is the answer to every event.
      await this.#connection.ready().catch(() => {})
      this.#inFlight = this.#queue.splice(0, this.#batchSize())
      if (this.#inFlight.length === 0) break
      const again = await this.#append(this.#inFlight)
      this.#inFlight = []
      this.#queue = [...again.filter(({ isOpen }) => isOpen), ...this.#queue]
      failures = again.length > 0 ? failures + 1 : 0
      if (failures > 0) await sleep(backoffMs(failures), never)
    }
    this.#flushing = undefined
  }

  /** So many events that no call holds Redis up for long: at most `maxBatch`, and about a megabyte. */
  #batchSize(): number {
    let bytes = 0
    const tooMany = this.#queue.slice(0, this.#settings.maxBatch).findIndex(({ fields }) => {
      bytes += sizeOf(fields)
      return bytes > MAX_BATCH_BYTES
    })
    return tooMany === -1 ? this.#settings.maxBatch : Math.max(1, tooMany)
  }

  /** Returns what is to be tried again. */
  async #append(batch: Pending[]): Promise<Pending[]> {
    try {
      const replies = await this.#broker.append(batch)
      return batch.filter((pending, i) => !this.#answer(pending, replies[i]))
    } catch (error) {
      this.#lastProblem = error
      // An append whose reply was lost may have happened: only deduplication makes it safe to try again.
      const isSafe = this.#settings.dedupeMs > 0 || !(error instanceof RedisUnavailableError && error.mayHaveRun)
      if (isPassing(error) && isSafe) {
        for (const pending of batch) pending.wasSent ||= error instanceof RedisUnavailableError && error.mayHaveRun
        return batch
      }
      for (const pending of batch) this.#close(pending, () => pending.reject(error as Error))
      return []
    }
  }

  /** False: it is to be tried again. */
  #answer(pending: Pending, reply: AppendReply | undefined): boolean {
    switch (reply?.status) {
      case 'appended':
      case 'duplicate': {
        const { entryId, status } = reply
        this.#close(pending, () => pending.resolve({ id: pending.id, entryId, duplicate: status === 'duplicate' }))
        return true
      }
      case 'full':
        this.#close(pending, () => pending.reject(new StreamFullError(reply.length, this.#stream.retention.maxLength)))
        return true
      case 'error': {
        const error = toError(reply.message)
        this.#lastProblem = error
        if (isPassing(error)) return false
        this.#close(pending, () => pending.reject(error))
        return true
      }
      case undefined:
        return false
      default:
        return reply satisfies never
    }
  }

  #close(pending: Pending, settle: () => void): void {
    if (!pending.isOpen) return
    pending.isOpen = false
    this.#open -= 1
    settle()
    this.#settled.notify()
  }

  // The queue is in order of deadlines, so one timer, for the oldest, serves all.
  #watchDeadlines(): void {
    if (this.#deadlineTimer) return
    const oldest = this.#inFlight.find(({ isOpen }) => isOpen) ?? this.#queue[0]
    if (!oldest) return
    this.#deadlineTimer = setTimeout(
      () => {
        this.#deadlineTimer = undefined
        this.#expire()
        this.#watchDeadlines()
      },
      Math.max(1, oldest.deadline - now()),
    )
  }

  #expire(): void {
    const isLate = (pending: Pending) => pending.isOpen && pending.deadline <= now()
    for (const pending of this.#inFlight.filter(isLate)) this.#timeOut(pending, 'unknown')
    for (const pending of this.#queue.filter(isLate)) this.#timeOut(pending, pending.wasSent ? 'unknown' : 'not-sent')
    this.#queue = this.#queue.filter(({ isOpen }) => isOpen)
  }

  #timeOut(pending: Pending, outcome: PublishTimeoutError['outcome']): void {
    const cause = this.#connection.problem ?? this.#lastProblem
    this.#close(pending, () => pending.reject(new PublishTimeoutError(outcome, this.#settings.publishTimeoutMs, cause)))
  }
}

function toError(message: string): Error {
  const error = new StreamsError('REDIS_ERROR', message)
  return isRefusal(error) ? new RedisRefusedError(message) : error
}
