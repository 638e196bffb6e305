import { StreamsError } from '../base/errors.ts'
import { BatchHandler } from '../define/batch.ts'
import { type ConsumerSettings, parseConsumerSettings } from '../define/consumer-settings.ts'
import type { Handlers } from '../define/handler.ts'
import type { RedisOptions } from '../define/redis-options.ts'
import type { Catalog, StreamDefinition } from '../define/stream.ts'
import type { Logger } from '../tell/log.ts'
import { newTell } from '../tell/observe.ts'
import type { Health, Report } from '../tell/report.ts'
import { newHandlerTrace, type OpenTelemetryApi } from '../tell/trace.ts'
import { Lifecycle } from './lifecycle.ts'

export interface ConsumerOptions<C extends Catalog> extends ConsumerSettings {
  /** Where Redis is: see `RedisOptions`. Two connections are opened: one for reads, one for everything else. */
  redis: RedisOptions
  /** One handler for every event type of the stream, or what `batch` returns. */
  handlers: Handlers<C>
  /** A pino logger, or anything alike. What it throws is ignored. Default: silent. */
  logger?: Logger
  /**
   * Is told what the logger is told, as data: for metrics and tests. What it throws or rejects with is ignored.
   * Default: none.
   */
  onReport?: (report: Report) => void
  /**
   * Makes an OpenTelemetry span of kind CONSUMER for each run of a handler. It links to the span in which the event was
   * published. `isChild`: that span is its parent instead; not for batches. `api`: what
   * `import * as api from '@opentelemetry/api'` gives. Default: none; `isChild: false`.
   */
  tracing?: { api: OpenTelemetryApi; isChild?: boolean }
}

export interface Consumer {
  readonly name: string
  /**
   * Works until the signal is aborted, then drains: starts nothing more, releases what only waits, gives running
   * handlers `drainTimeoutMs`, releases what is left. Resolves once it is drained and its connections are closed.
   * @throws {RedisRefusedError} when Redis refuses for good: wrong password, a key of another type, a server that is
   * too old. Even then the consumer drains first.
   * @throws {StreamsError} `STARTED_BEFORE`: a consumer runs once.
   */
  run(options: { signal: AbortSignal }): Promise<void>
  /**
   * Not ready: the consumer does not run, Redis does not answer, no read completes, or the same entry has been the
   * oldest unhandled entry for `stalledAfterMs`. Names the reason.
   */
  health(): Health
}

/**
 * Creates one consumer of a group. Nothing is opened before `run`.
 * @throws {InvalidOptionError} naming option, range and value.
 * @throws {StreamsError} `MISSING_HANDLER`: an event type of the stream has no handler.
 */
export function createConsumer<C extends Catalog>(stream: StreamDefinition<C>, options: ConsumerOptions<C>): Consumer {
  const { redis, handlers, logger, onReport, tracing, ...given } = options
  const settings = parseConsumerSettings(given)
  const isHandler = (given: unknown) => typeof given === 'function' || given instanceof BatchHandler
  const missing = Object.keys(stream.catalog).find((type) => !isHandler(handlers?.[type]))
  if (missing) {
    const found =
      handlers?.[missing] === undefined ? '' : `: expected a function or batch({ … }), got ${typeof handlers[missing]}`
    throw new StreamsError('MISSING_HANDLER', `createConsumer: no handler for ${missing}${found}`)
  }

  // Each by its own name, so that handlers that were inherited are found, too.
  const own = Object.fromEntries(Object.keys(stream.catalog).map((type) => [type, handlers[type]]))
  const tell = newTell(logger, onReport)
  let lifecycle: Lifecycle | undefined
  return {
    name: settings.consumer,
    async run({ signal }) {
      if (lifecycle) throw new StreamsError('STARTED_BEFORE', 'a consumer runs once: create another')
      const trace = tracing && newHandlerTrace(tracing.api, stream.name, settings.group, tracing.isChild)
      const named = own as unknown as Handlers<Catalog>
      lifecycle = new Lifecycle({ stream, settings, redis, handlers: named, tell, trace })
      await lifecycle.work(signal)
    },
    health: () => lifecycle?.health() ?? { ready: false, reason: 'the consumer is not started' },
  }
}
