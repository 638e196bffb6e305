import type { Logger } from '@redis-streams-processor/streams-core'

/** How often a line about the same refusal may be logged: whoever floods the endpoint must not flood the log. */
const EVERY_MS = 1_000

export interface Refusal {
  /** The name of a source that is served; undefined where the request names none. */
  source: string | undefined
  status: number
  /** For the operator; the sender is not told. */
  reason: string
  /** Who sent it. */
  ip: string
}

/** Counts every answer, and logs those that refuse. */
export class Tally {
  readonly #logger: Logger
  readonly #answers = new Map<string, number>()
  readonly #untold = new Map<string, { count: number; toldAt: number }>()

  constructor(logger: Logger) {
    this.#logger = logger
  }

  /** How often each status was answered, by source and status: `github 202`. */
  get answers(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#answers)
  }

  count(source: string | undefined, status: number): void {
    const key = `${source ?? 'none'} ${status}`
    this.#answers.set(key, (this.#answers.get(key) ?? 0) + 1)
  }

  refused(refusal: Refusal): void {
    const { source, status, reason } = refusal
    this.count(source, status)
    const key = `${source} ${status} ${reason}`
    const untold = this.#untold.get(key) ?? { count: 0, toldAt: Number.NEGATIVE_INFINITY }
    this.#untold.set(key, untold)
    untold.count += 1
    if (performance.now() - untold.toldAt < EVERY_MS) return
    this.#logger.warn({ ...refusal, times: untold.count }, 'webhook refused')
    untold.count = 0
    untold.toldAt = performance.now()
  }
}
