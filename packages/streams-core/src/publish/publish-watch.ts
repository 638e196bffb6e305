import { randomUUID } from 'node:crypto'
import { now } from '../base/clock.ts'
import { type PublishResult, publishResultOf } from '../define/publish-result.ts'
import type { Tell } from '../tell/report.ts'
import type { TraceAttributes, Tracing } from '../tell/trace.ts'
import type { Published } from './open-publish.ts'

interface WatchedOptions extends TraceAttributes {
  id?: string
}

/** Tells the answer of each publish, and makes a span of it, as far as either is wished. */
export class PublishWatch {
  readonly #tell: Tell | undefined
  readonly #tracing: Tracing | undefined

  constructor(tell: Tell | undefined, tracing: Tracing | undefined) {
    this.#tell = tell
    this.#tracing = tracing
  }

  async run<O extends WatchedOptions>(
    eventType: string,
    options: O,
    publish: (options: O) => Promise<Published>,
  ): Promise<Published> {
    const startedAt = now()
    const { id = randomUUID() } = options
    const span = this.#tracing?.startPublish(id, eventType)
    const answered = (result: PublishResult, error?: unknown) => {
      span?.end(error)
      this.#tell?.({ kind: 'publish', result, eventType, durationMs: now() - startedAt })
    }
    // The trace of the caller, if it gives one, is not mixed with that of the span.
    const trace = options.traceparent === undefined ? span?.attributes : undefined
    try {
      const published = await publish({ ...options, ...trace, id })
      answered(published.duplicate ? 'duplicate' : 'appended')
      return published
    } catch (error) {
      answered(publishResultOf(error), error)
      throw error
    }
  }
}
