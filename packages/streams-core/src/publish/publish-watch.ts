import { randomUUID } from 'node:crypto'
import { now } from '../base/clock.ts'
import { type PublishResult, publishResultOf } from '../define/publish-result.ts'
import type { Tell } from '../tell/report.ts'
import type { Tracing } from '../tell/trace.ts'
import type { Published } from './open-publish.ts'
import type { PublishOptions } from './publish-options.ts'

/** Tells the answer of each publish, and makes a span of it, as far as either is wished. */
export class PublishWatch {
  readonly #tell: Tell | undefined
  readonly #tracing: Tracing | undefined

  constructor(tell: Tell | undefined, tracing: Tracing | undefined) {
    this.#tell = tell
    this.#tracing = tracing
  }

  run(
    eventType: string,
    options: PublishOptions,
    publish: (options: PublishOptions) => Promise<Published>,
  ): Promise<Published> {
    const startedAt = now()
    const span = this.#tracing && this.#begin(this.#tracing, eventType, options)
    const answered = (result: PublishResult, error?: unknown) => {
      span?.end(error)
      this.#tell?.({ kind: 'publish', result, eventType, durationMs: now() - startedAt })
    }
    const publishing = publish(span?.options ?? options)
    publishing.then(
      ({ duplicate }) => answered(duplicate ? 'duplicate' : 'appended'),
      (error) => answered(publishResultOf(error), error),
    )
    return publishing
  }

  /** The options with an id, which the span names, and with the trace, unless the caller gives one of its own. */
  #begin(tracing: Tracing, eventType: string, options: PublishOptions) {
    const { id = randomUUID(), traceparent } = options
    const { attributes, end } = tracing.startPublish(id, eventType)
    return { options: { ...options, ...(traceparent === undefined ? attributes : {}), id }, end }
  }
}
