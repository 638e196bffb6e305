import { now } from '../../base/clock.ts'
import { within } from '../../base/loop.ts'
import type { Patience } from '../../base/patience.ts'
import { isTemporary } from '../../base/redis-errors.ts'
import type { IntakeBroker } from '../../broker/intake.ts'
import type { Token } from '../../broker/token.ts'
import type { Tell } from '../../tell/report.ts'
import type { Gate } from '../controls/gate.ts'
import type { Delivery } from '../delivery/delivery.ts'
import type { Holdings } from '../delivery/holdings.ts'
import type { Pipeline } from '../pipeline/pipeline.ts'
import type { HoldOff } from './hold-off.ts'
import type { Reader } from './reader.ts'

/** For claiming, and for running what was claimed alone. */
export interface ClaimingOptions {
  group: string
  consumer: string
  leaseMs: number
  maxDeliveries: number
}

export interface QuarantineActors {
  broker: IntakeBroker
  patience: Patience
  gate: Gate
  holdings: Holdings
  pipeline: Pipeline
  reader: Reader
  holdOff: HoldOff
  tell: Tell
}

/** `lost`: the lease of the suspect. `unanswered`: the consumer drains, and Redis has not answered. */
type Isolated = (Token & { since: number }) | 'lost' | 'unanswered'

/**
 * Runs crash suspects one by one with nothing else in flight, so that a poison pill can only take itself along. All
 * other work of this consumer stops for three leases at most: one in which the running handlers end, one in which
 * suspects are started, and one for the suspect that was started last. A handler that takes more than a lease is no
 * longer waited for. In a group with a limit, the wait for the start of a suspect comes on top.
 */
export class Quarantine {
  readonly #options: ClaimingOptions
  readonly #actors: QuarantineActors
  #restUntil = 0

  constructor(options: ClaimingOptions, actors: QuarantineActors) {
    this.#options = options
    this.#actors = actors
  }

  async run(suspects: number, signal: AbortSignal): Promise<void> {
    const { group, consumer, leaseMs } = this.#options
    const { holdings, pipeline, reader, tell } = this.#actors
    let suspect = now() < this.#restUntil ? undefined : await this.#take()
    if (!suspect) return
    await reader.pause()
    try {
      if (!(await this.#isAlone(suspect, signal))) {
        // Released uncharged: a consumer whose handlers end sooner may take it.
        this.#rest()
        await pipeline.release(suspect)
        suspect = undefined
        return
      }
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

  /** Waits at most one lease until the running handlers have ended. False: some still run, or the consumer drains. */
  async #isAlone(suspect: Delivery, signal: AbortSignal): Promise<boolean> {
    const { gate, pipeline } = this.#actors
    await gate.whileNothingWaits(() =>
      within(this.#options.leaseMs, signal, (limit) => pipeline.whenIdle(limit, suspect)),
    )
    return !signal.aborted && pipeline.isIdle(suspect)
  }

  /** Called when a handler takes more than a lease: for a lease, only other work is done, and no suspect is taken. */
  #rest(): void {
    this.#restUntil = now() + this.#options.leaseMs
  }

  /**
   * Claims one suspect. From here on this consumer holds the suspect and extends its lease, and the other consumers see
   * that this consumer is at work on it.
   */
  async #take(): Promise<Delivery | undefined> {
    const { broker, holdings, pipeline, holdOff, tell } = this.#actors
    if (holdOff.isOn) return undefined
    const { group, consumer, maxDeliveries } = this.#options
    const entry = await broker.takeSuspect({ maxDeliveries, holdsNothing: holdings.size === 0 })
    if (!entry) return undefined
    tell({ kind: 'claimed', group, consumer, reason: 'suspect', entryIds: [entry.entryId] })
    const suspect = pipeline.arrive(entry)
    holdings.add(suspect)
    return suspect
  }

  async #runAlone(suspect: Delivery, signal: AbortSignal): Promise<void> {
    const { gate, holdings, pipeline } = this.#actors
    const { leaseMs } = this.#options
    // Before ISOLATE, because a consumer that dies while the suspect waits for its start proves nothing against it.
    if (signal.aborted || (await gate.enter([suspect]))) return pipeline.release(suspect)
    const isolated = await this.#isolate(suspect, signal)
    if (isolated === 'unanswered') return pipeline.release(suspect)
    if (isolated === 'lost') return holdings.remove(suspect)
    const alone = suspect.under(isolated.owner, isolated.since)
    alone.hasStart = true
    pipeline.process(alone, 'alone')
    await within(leaseMs, signal, (limit) => pipeline.whenIdle(limit))
    if (signal.aborted || pipeline.isIdle()) return
    await this.#rejoin(alone, signal)
    this.#rest()
  }

  /**
   * Repeated until Redis answers: if a reply is lost, the suspect may be isolated all the same, and if this consumer then
   * left it, another one would hold it guilty of a crash that never was.
   */
  async #isolate(suspect: Delivery, signal: AbortSignal): Promise<Isolated> {
    const { broker, patience } = this.#actors
    let since = now()
    const isolate = () => {
      since = now()
      return broker.isolate(suspect)
    }
    try {
      const token = await patience.persist(isolate, signal)
      return token ? { ...token, since } : 'lost'
    } catch (error) {
      if (isTemporary(error)) return 'unanswered'
      throw error
    }
  }

  /**
   * A suspect that has run alone for a lease without killing the process goes on beside other entries: from then on, a
   * crash no longer proves it guilty. Repeated until Redis answers, or the consumer drains.
   */
  async #rejoin(alone: Delivery, signal: AbortSignal): Promise<void> {
    const { broker, patience } = this.#actors
    try {
      await patience.persist(() => broker.rejoin(alone), signal)
      alone.owner = this.#options.consumer
    } catch (error) {
      if (!isTemporary(error)) throw error
    }
  }
}
