import { now } from '../../base/clock.ts'
import type { IntakeBroker } from '../../broker/intake.ts'
import type { Tell } from '../../tell/report.ts'
import { type Delivery, underOwner } from '../pipeline/delivery.ts'
import type { Holdings } from '../pipeline/holdings.ts'
import type { Pipeline } from '../pipeline/pipeline.ts'
import type { HoldOff } from './hold-off.ts'
import type { Reader } from './reader.ts'

export interface QuarantineOptions {
  group: string
  consumer: string
  leaseMs: number
  maxDeliveries: number
}

export interface QuarantineActors {
  broker: IntakeBroker
  holdings: Holdings
  pipeline: Pipeline
  reader: Reader
  holdOff: HoldOff
  tell: Tell
}

/** Runs crash suspects one by one with nothing else in flight, so that a poison pill can only take itself along. */
export class Quarantine {
  readonly #options: QuarantineOptions
  readonly #actors: QuarantineActors

  constructor(options: QuarantineOptions, actors: QuarantineActors) {
    this.#options = options
    this.#actors = actors
  }

  /** Takes suspects for about one lease; then everything else has its turn before the next are looked for. */
  async run(suspects: number, signal: AbortSignal): Promise<void> {
    const { group, consumer, leaseMs } = this.#options
    const { holdings, pipeline, reader, tell } = this.#actors
    let suspect = await this.#take()
    if (!suspect) return
    await reader.pause()
    try {
      await pipeline.whenIdle(signal, suspect)
      tell({ kind: 'quarantined', group, consumer, suspects })
      const startedAt = now()
      while (suspect) {
        await this.#runAlone(suspect, signal)
        const isOver = signal.aborted || now() - startedAt > leaseMs
        suspect = isOver ? undefined : await this.#take()
      }
    } finally {
      // After an error the suspect is no longer held: once its lease is over, any consumer may claim it.
      if (suspect) holdings.remove(suspect)
      reader.resume()
    }
  }

  /** A suspect is held, and its lease extended, from here on; other consumers see that this one is at work on it. */
  async #take(): Promise<Delivery | undefined> {
    const { broker, holdings, pipeline, holdOff } = this.#actors
    if (holdOff.isOn) return undefined
    const { maxDeliveries } = this.#options
    const entry = await broker.claimSuspect({ maxDeliveries, holdsNothing: holdings.size === 0 })
    if (!entry) return undefined
    const suspect = pipeline.decode(entry)
    holdings.add(suspect)
    return suspect
  }

  async #runAlone(suspect: Delivery, signal: AbortSignal): Promise<void> {
    const { broker, holdings, pipeline } = this.#actors
    // The consumer drains, so the pipeline does not start the suspect but releases it, uncharged.
    if (signal.aborted) return pipeline.process(suspect, 'claimed')
    const since = now()
    const token = await broker.isolate(suspect)
    if (!token) return holdings.remove(suspect)
    void pipeline.process(underOwner(suspect, token.owner, this.#options.leaseMs, since), 'claimed')
    await pipeline.whenIdle(signal)
  }
}
