import { randomUUID } from 'node:crypto'
import { timeText } from '../base/clock.ts'
import { InvalidEventError, messageOf, ProducerClosedError, PublishTimeoutError } from '../base/errors.ts'
import { backoffMs, neverAborted, sleep } from '../base/loop.ts'
import { isTemporary } from '../base/redis-errors.ts'
import { AppendBroker } from '../broker/append.ts'
import { Connection } from '../broker/connection.ts'
import { Keys } from '../broker/keys.ts'
import { encode } from '../define/encode.ts'
import {
  type ParsedProducerSettings,
  type ProducerSettings,
  parseProducerSettings,
} from '../define/producer-settings.ts'
import type { RedisOptions } from '../define/redis-options.ts'
import type { Catalog, EventInput, EventType, StreamDefinition } from '../define/stream.ts'
import type { Logger } from '../tell/log.ts'
import { newTell } from '../tell/observe.ts'
import type { Health, Report } from '../tell/report.ts'
import { newWarnings } from '../tell/server-settings.ts'
import { type OpenTelemetryApi, Tracing } from '../tell/trace.ts'
import { Batcher } from './batcher.ts'
import { Deadlines } from './deadlines.ts'
import { OpenPublish, type Published } from './open-publish.ts'
import type { PublishOptions } from './publish-options.ts'
import { PublishWatch } from './publish-watch.ts'

export interface ProducerOptions extends ProducerSettings {
  /** Where Redis is: see `RedisOptions`. One connection is opened. */
  redis: RedisOptions
  /** A pino logger, or anything alike. What it throws is ignored. Default: silent. */
  logger?: Logger
  /**
   * Is told what the logger is told, as data, and the answer of every publish: for metrics and tests. What it throws or
   * rejects with is ignored. Default: none.
   */
  onReport?: (report: Report) => void
  /**
   * Makes an OpenTelemetry span of kind PRODUCER for each publish; the event carries it, unless it has a `traceparent` of
   * its own. `api`: what `import * as api from '@opentelemetry/api'` gives. Default: none.
   */
  tracing?: { api: OpenTelemetryApi }
}

export interface Producer<C extends Catalog> {
  /**
   * Connects, and checks that Redis can do what the options ask. Optional: `publish` connects, too. Waits for Redis as
   * long as it takes, for ever if Redis never comes; race it with a timer of your own where that matters.
   * @throws {RedisRefusedError} when Redis refuses for good.
   */
  ready(): Promise<void>
  /**
   * Appends one event; resolves once Redis has it (see `durability`). Calls made while a batch is on its way form the
   * next batch. Safe to repeat with the same id within `dedupeMs`.
   * @throws {InvalidEventError} at once: the schema refuses the event.
   * @throws {PublishBufferFullError} at once: too many events are waiting.
   * @throws {ProducerClosedError} at once: the producer was closed before.
   * @throws {StreamFullError} the stream is at its cap, and no entry may be trimmed yet.
   * @throws {PublishTimeoutError} Redis has not taken the event within `publishTimeoutMs`.
   * @throws {RedisRefusedError} Redis refuses for good.
   * @throws {RedisUnavailableError} only with `dedupeMs: 0`: the reply was lost, so the event may be in the stream.
   * @throws {StreamsError} with code `REDIS_ERROR`: Redis answered with an error that is none of these.
   */
  publish<T extends EventType<C>>(type: T, data: EventInput<C, T>, options?: PublishOptions): Promise<Published>
  /**
   * As `publish`, for an event that somebody else has made and that must not be lost, such as a webhook: whatever its
   * type, and whatever its data, as long as JSON can hold it. If the catalog of a group does not know the type, or its
   * schema refuses the data, the event becomes a dead letter of this group, with reason `malformed`. Redrive it once the
   * catalog fits. `misfit` in the result says what the catalog of this producer has against the event.
   * @throws as `publish`. `InvalidEventError`: the data cannot be written as JSON, the event is too large, or its id,
   * type, source, subject, traceparent or tracestate is not one.
   */
  publishUnchecked(type: string, data: unknown, options?: PublishOptions): Promise<Published>
  /** Not ready: the producer has no connection to Redis, or is closed. Names the reason. */
  health(): Health
  /** Appends what waits, as far as its deadlines allow, and disconnects. Idempotent. */
  close(): Promise<void>
}

/**
 * Creates a producer, which begins to connect at once.
 * @throws {InvalidOptionError} naming option, range and value.
 */
export function createProducer<C extends Catalog>(stream: StreamDefinition<C>, options: ProducerOptions): Producer<C> {
  const { redis, logger, onReport, tracing, ...given } = options
  return new BatchingProducer(stream, parseProducerSettings(given), redis, { logger, onReport, tracing })
}

class BatchingProducer<C extends Catalog> implements Producer<C> {
  readonly #stream: StreamDefinition<C>
  readonly #settings: ParsedProducerSettings
  readonly #connection: Connection
  readonly #broker: AppendBroker
  readonly #batcher: Batcher
  readonly #deadlines: Deadlines
  /** Undefined unless there is an `onReport` or `tracing`. */
  readonly #watch: PublishWatch | undefined
  #isClosed = false

  constructor(
    stream: StreamDefinition<C>,
    settings: ParsedProducerSettings,
    redis: RedisOptions,
    { logger, onReport, tracing }: Pick<ProducerOptions, 'logger' | 'onReport' | 'tracing'>,
  ) {
    this.#stream = stream
    this.#settings = settings
    const tell = newTell(logger, onReport)
    // For a logger alone there is no watch: answers of publishes are not logged.
    if (onReport || tracing)
      this.#watch = new PublishWatch(onReport && tell, tracing && new Tracing(tracing.api, stream.name))
    const connection = new Connection({
      ...{ redis, name: 'producer', deadlineMs: settings.publishTimeoutMs, onServer: newWarnings(tell) },
      onState: (state, cause) => tell({ kind: 'connection', connection: 'commands', state, cause }),
    })
    const broker = new AppendBroker(connection, new Keys(stream.name), stream.retention, settings)
    const { maxBuffered, maxBatch, dedupeMs } = settings
    this.#connection = connection
    this.#broker = broker
    this.#batcher = new Batcher(
      { maxBuffered, maxBatch, maxLength: stream.retention.maxLength, isRemembered: dedupeMs > 0 },
      { broker, ready: () => connection.ready() },
    )
    this.#deadlines = new Deadlines(
      () => this.#batcher.waiting(),
      (late) => this.#timeOut(late),
    )
  }

  async ready(): Promise<void> {
    for (let failures = 1; ; failures += 1) {
      await this.#connection.ready()
      try {
        return await this.#broker.check()
      } catch (error) {
        if (!isTemporary(error)) throw error
      }
      await sleep(backoffMs(failures), neverAborted)
    }
  }

  publish<T extends EventType<C>>(type: T, data: EventInput<C, T>, options?: PublishOptions): Promise<Published> {
    return this.#publish(false, type, data, options)
  }

  publishUnchecked(type: string, data: unknown, options?: PublishOptions): Promise<Published> {
    return this.#publish(true, type, data, options)
  }

  #publish(takesMisfits: boolean, type: string, data: unknown, options: PublishOptions = {}) {
    // Nobody watches: no report and no second pair of callbacks for each publish.
    if (!this.#watch) return this.#enqueue(takesMisfits, type, data, options)
    return this.#watch.run(type, options, (given) => this.#enqueue(takesMisfits, type, data, given))
  }

  #enqueue(takesMisfits: boolean, type: string, data: unknown, options: PublishOptions): Promise<Published> {
    return new Promise((resolve, reject) => {
      if (this.#isClosed) throw new ProducerClosedError()
      const { maxEventBytes, publishTimeoutMs, source } = this.#settings
      const { id = randomUUID(), subject, traceparent, tracestate } = options
      const time = options.time === undefined ? Date.now() : options.time.getTime()
      if (Number.isNaN(time)) throw new InvalidEventError(`${type}: time is not a valid Date`)
      const given = { id, source: options.source ?? source, time: timeText(time), subject, traceparent, tracestate }
      const event = encode(this.#stream.catalog, type, data, given, maxEventBytes, takesMisfits)
      this.#batcher.refuseIfFull()
      this.#batcher.add(new OpenPublish({ id, event, timeoutMs: publishTimeoutMs }, { resolve, reject }))
      this.#deadlines.watch()
    })
  }

  health(): Health {
    if (this.#isClosed) return { ready: false, reason: 'the producer is closed' }
    if (this.#connection.server) return { ready: true }
    const { problem } = this.#connection
    return { ready: false, reason: `no connection to Redis: ${problem ? messageOf(problem) : 'not yet'}` }
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await this.#batcher.whenAnswered()
    this.#deadlines.stop()
    await this.#connection.close()
    await this.#batcher.whenIdle()
  }

  #timeOut(late: OpenPublish[]): void {
    const cause = this.#connection.problem ?? this.#batcher.lastProblem
    const { publishTimeoutMs } = this.#settings
    this.#batcher.timeOut(
      late,
      (mayBeInRedis) => new PublishTimeoutError(mayBeInRedis ? 'unknown' : 'not-sent', publishTimeoutMs, cause),
    )
  }
}
