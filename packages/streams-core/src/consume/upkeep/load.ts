import type { Load, Tell } from '../../tell/report.ts'
import type { Holdings } from '../delivery/holdings.ts'
import type { HandlerSlots } from '../slots/handler-slots.ts'

/** How often a change is told. */
export const LOAD_EVERY_MS = 1_000

/** Tells what the consumer holds, when that has changed. */
export class LoadTeller {
  readonly #options: { group: string; consumer: string; concurrency: number }
  readonly #holdings: Holdings
  readonly #slots: HandlerSlots
  readonly #tell: Tell
  #told: Load | undefined

  constructor(
    options: { group: string; consumer: string; concurrency: number },
    actors: { holdings: Holdings; slots: HandlerSlots; tell: Tell },
  ) {
    this.#options = options
    this.#holdings = actors.holdings
    this.#slots = actors.slots
    this.#tell = actors.tell
  }

  tellChange(): void {
    if (!this.#tell.isHeard) return
    const { group, consumer, concurrency } = this.#options
    const held = this.#holdings.all()
    const waiting = held.filter(({ startedAt }) => startedAt === undefined).length
    // A handler whose lease was lost still runs, although its entry is no longer held.
    const { runningDeliveries: running } = this.#slots
    const settling = Math.max(0, held.length - waiting - running)
    const before = this.#told
    if (before?.waiting === waiting && before.running === running && before.settling === settling) return
    this.#told = { waiting, running, settling, concurrency }
    this.#tell({ kind: 'load', group, consumer, ...this.#told })
  }
}
