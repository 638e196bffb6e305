import type { WebhookMetrics } from '@redis-streams-processor/service-kit'
import type { Logger } from '@redis-streams-processor/streams-core'
import { type RefusalReason, refusals, type Status } from './answers.ts'

/** How often a line about the same refusal may be logged: whoever floods the endpoint must not flood the log. */
const EVERY_MS = 1_000

export interface Refusal {
  /** The name of a source that is served; undefined where the request names none. */
  source: string | undefined
  reason: RefusalReason
  /** What more there is to say to the operator; the sender is not told. */
  error?: string
  /** Who sent it. */
  ip: string
}

/** Counts every answer, and logs those that refuse. */
export class Tally {
  readonly #logger: Logger
  readonly #metrics: WebhookMetrics<Status, RefusalReason>
  readonly #answers = new Map<string, number>()
  readonly #untold = new Map<string, { count: number; toldAt: number }>()

  constructor(logger: Logger, metrics: WebhookMetrics<Status, RefusalReason>) {
    this.#logger = logger
    this.#metrics = metrics
  }

  /** How often each status was answered, by source and status: `github 202`. */
  get answers(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#answers)
  }

  /** @param durationMs Undefined: nobody knows when the request began. */
  answered(source: string | undefined, status: Status, durationMs?: number): void {
    const key = `${source ?? 'other'} ${status}`
    this.#answers.set(key, (this.#answers.get(key) ?? 0) + 1)
    this.#metrics.answered(source, status, durationMs)
  }

  /** The catalog does not fit an event that is appended all the same. */
  unfit(source: string): void {
    this.#metrics.unfit(source)
  }

  refused(refusal: Refusal): void {
    const { source, reason, error } = refusal
    this.#metrics.rejected(source, reason)
    const key = `${source} ${reason} ${error}`
    const untold = this.#untold.get(key) ?? { count: 0, toldAt: Number.NEGATIVE_INFINITY }
    this.#untold.set(key, untold)
    untold.count += 1
    if (performance.now() - untold.toldAt < EVERY_MS) return
    this.#logger.warn({ ...refusal, status: refusals[reason].status, times: untold.count }, 'webhook refused')
    untold.count = 0
    untold.toldAt = performance.now()
  }
}
