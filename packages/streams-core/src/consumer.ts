import type { RedisOptions } from './broker/connection.ts'
import { Crew } from './crew.ts'
import { StreamsError } from './errors.ts'
import type { Handlers } from './handler.ts'
import { type ConsumerSettingsInput, parseConsumerSettings } from './options.ts'
import { type Health, type Logger, logReport, type Report, silent } from './report.ts'
import type { Catalog, StreamDefinition } from './stream.ts'

export interface ConsumerOptions<C extends Catalog> extends ConsumerSettingsInput {
  /** Where Redis is. Two connections are opened: one for reads, one for everything else. */
  redis: RedisOptions
  handlers: Handlers<C>
  /** A pino logger, or anything alike. Default: silent. */
  logger?: Logger
  /** Told everything that the logger is told, as data: for metrics and tests. What it throws is ignored. */
  onReport?: (report: Report) => void
}

export interface Consumer {
  readonly name: string
  /**
   * Works until the signal is aborted, then drains: starts nothing more, hands back what only waits, gives running
   * handlers `drainTimeoutMs`, hands back what is left. Resolves once it is drained and its connections are closed.
   * @throws {RedisRefusedError} when Redis says no for good: wrong password, key of another type, too old. Drained, too.
   */
  run(options: { signal: AbortSignal }): Promise<void>
  /** Ready only while reads complete and the oldest unhandled entry moves on; names the reason when not. */
  health(): Health
}

/**
 * Creates one consumer of a group. Nothing is opened before `run`.
 * @throws {InvalidOptionError} naming option, range and value.
 */
export function createConsumer<C extends Catalog>(stream: StreamDefinition<C>, options: ConsumerOptions<C>): Consumer {
  const { redis, handlers, logger = silent, onReport, ...given } = options
  const settings = parseConsumerSettings(given)
  const missing = Object.keys(stream.catalog).find((type) => typeof handlers?.[type] !== 'function')
  if (missing) throw new StreamsError('MISSING_HANDLER', `createConsumer: no handler for ${missing}`)

  const tell = (report: Report) => {
    // An observer's mistake must not stop the work it observes.
    for (const observe of [(r: Report) => logReport(logger, r), onReport]) {
      try {
        observe?.(report)
      } catch {}
    }
  }
  let crew: Crew | undefined
  return {
    name: settings.consumer,
    async run({ signal }) {
      if (crew) throw new StreamsError('STARTED_BEFORE', 'a consumer runs once: create another')
      crew = new Crew(stream, settings, redis, handlers as unknown as Handlers<Catalog>, tell)
      await crew.work(signal)
    },
    health: () => crew?.health() ?? { ready: false, reason: 'the consumer is not started' },
  }
}
