import {
  exportStreamFigures,
  newProducerMetrics,
  newRegistry,
  newWebhookMetrics,
  type OpsServer,
  redisOf,
  startOpsServer,
  type WebhookLabels,
  type WebhookMetrics,
} from '@redis-streams-processor/service-kit'
import type { Health, Logger, Report, StreamDefinition } from '@redis-streams-processor/streams-core'
import type { ProducerServiceSettings } from './settings.ts'

export interface OperationsOptions {
  settings: ProducerServiceSettings
  stream: StreamDefinition
  logger: Logger
  /** Once aborted, the service stops, and is not ready any more. */
  signal: AbortSignal
}

/** What the producer service tells its operators: whether it is ready, its metrics, and the figures of every group. */
export class Operations {
  readonly #options: OperationsOptions
  readonly #registry = newRegistry()
  readonly #newObserver = newProducerMetrics(this.#registry)
  readonly #parts: { health(): Health }[] = []
  #server: OpsServer | undefined
  #closeFigures: (() => Promise<void>) | undefined

  constructor(options: OperationsOptions) {
    this.#options = options
  }

  /** What to pass to one producer as `onReport`. */
  newObserver(): (report: Report) => void {
    return this.#newObserver()
  }

  /** To be called once. */
  newWebhookMetrics<S extends number, R extends string>(labels: WebhookLabels<S, R>): WebhookMetrics<S, R> {
    return newWebhookMetrics(this.#registry, labels)
  }

  /** The service is ready only while this part of it is. */
  watch(part: { health(): Health }): void {
    this.#parts.push(part)
  }

  /**
   * Answers from now on: every part must be watched by then.
   * @throws {SettingsError} when this process cannot listen on OPS_HOST and OPS_PORT.
   */
  async open(): Promise<void> {
    const { settings, stream, logger } = this.#options
    this.#closeFigures = exportStreamFigures({
      ...{ registry: this.#registry, redis: redisOf(settings), stream },
      onError: ({ message }) => logger.warn({ error: message }, 'no figures of groups in the metrics'),
    })
    const { OPS_PORT: port, OPS_HOST: host } = settings
    this.#server = await startOpsServer({ port, host, registry: this.#registry, logger, health: () => this.#health() })
  }

  async close(): Promise<void> {
    await this.#server?.close()
    await this.#closeFigures?.()
  }

  #health(): Health {
    if (this.#options.signal.aborted) return { ready: false, reason: 'the producer is stopping' }
    return this.#parts.map((part) => part.health()).find(({ ready }) => !ready) ?? { ready: true }
  }
}
