import { now } from '../../base/clock.ts'
import type { ServerClock } from '../../broker/server-clock.ts'
import type { HandedEntry } from '../../broker/token.ts'
import type { Outcome, RunResult } from '../../define/outcome.ts'
import type { SettledReport, Tell } from '../../tell/report.ts'
import type { Circuit } from '../controls/circuit.ts'
import { type DecodeOptions, Delivery } from '../delivery/delivery.ts'
import type { Holdings } from '../delivery/holdings.ts'
import type { Settler } from '../settle/settler.ts'
import type { HandlerSlots } from '../slots/handler-slots.ts'
import type { Source } from '../slots/waiting-jobs.ts'
import { type DecidePolicy, decide } from './decide.ts'

export interface PipelineOptions {
  group: string
  consumer: string
  decoding: DecodeOptions
  policy: DecidePolicy
}

export interface PipelineActors {
  holdings: Holdings
  slots: HandlerSlots
  settler: Settler
  circuit: Circuit
  /** Redis' clock: how old an entry is. */
  clock: ServerClock
  tell: Tell
}

const ABANDON: Outcome = { type: 'abandon' }

/**
 * What happens to every entry that reaches this consumer:
 *
 *   arrive   the entry becomes a delivery, which is held, and its lease extended, from `process` on
 *   run      once the delivery has a handler slot: decodes the entry, and runs the handler, unless there is a reason not
 *            to; the result says how it went
 *   decide   what becomes of the delivery: the outcome. Pure
 *   settle   writes the outcome
 *   tell     one report, once the outcome is written
 *
 * The way through the folders beside this one. From the slots on, a step does not return what it found out, but calls
 * back (`#conclude` says why):
 *
 *   slots/      process ─▶ HandlerSlots.take ─▶ WaitingJobs.add   unless the Gate bars it; waits as a job: a `SingleJob`,
 *                                                                 or a part of a `BatchJob`
 *               #fill ─▶ #start ─▶ Job.run                        has a slot
 *   run/        Runner.run                                        Gate.bars, Admission (decodes the entry),
 *                                                                 Gate.enter (waits for its start), then the handler.
 *                                                                 For a `BatchJob`: BatchRunner.run
 *   pipeline/   Job.end ─▶ #conclude                              an `End` (job.ts) has said how it went
 *   settle/     Settler.settle ─▶ #tellSettled                    an `OnSettled` (on-settled.ts) has said what became of it
 */
export class Pipeline {
  readonly #options: PipelineOptions
  readonly #actors: PipelineActors

  constructor(options: PipelineOptions, actors: PipelineActors) {
    this.#options = options
    this.#actors = actors
  }

  /** Takes entries in, except what is held already: a delivery can come twice, in a late reply and by a retake. */
  accept(entries: readonly HandedEntry[], source: 'read' | 'claimed'): void {
    for (const entry of entries) {
      if (!this.#actors.holdings.holdsAttempt(entry)) this.process(this.arrive(entry), source)
    }
  }

  /**
   * Takes claimed entries in. Redis may have written the outcome of a delivery and given the entry out again, in two replies
   * that came together: then the reply to the write is handled first.
   */
  async acceptClaimed(entries: readonly HandedEntry[]): Promise<void> {
    const { holdings } = this.#actors
    if (entries.some(({ entryId }) => holdings.of(entryId)?.isConcluded)) await new Promise(setImmediate)
    this.accept(entries, 'claimed')
  }

  /**
   * Not held yet: `process` holds it. If an earlier delivery of the entry is still held, it is lost: its lease ended while the
   * process stood still, or its outcome was written, and the reply to that was lost.
   */
  arrive(entry: HandedEntry): Delivery {
    const { holdings, tell } = this.#actors
    const earlier = holdings.of(entry.entryId)
    if (earlier) {
      holdings.lose(earlier)
      const { group, consumer } = this.#options
      tell({ kind: 'lease-lost', group, consumer, entryIds: [entry.entryId] })
    }
    return new Delivery(entry, this.#options.decoding)
  }

  /** Runs the delivery once it has a slot, and settles it. */
  process(delivery: Delivery, source: Source): void {
    const { holdings, slots } = this.#actors
    holdings.add(delivery)
    slots.take(delivery, source, (run) => this.#conclude(delivery, run))
  }

  /**
   * Settles a delivery whose handler was not started: any consumer may take it at once, uncharged. Resolves once that
   * is written.
   */
  release(delivery: Delivery): Promise<void> {
    return new Promise((resolve) => this.#conclude(delivery, { result: 'unstarted' }, resolve))
  }

  /**
   * Decides and settles, and once that is written, tells. The steps are joined by callbacks: joined by promises, they
   * took about a third more memory and time for each event with an instant handler. Never throws.
   * @param ended How the run went, as far as the slots know.
   * @param onConcluded Called once, when that is done.
   */
  #conclude(delivery: Delivery, ended: RunResult, onConcluded?: () => void): void {
    delivery.isConcluded = true
    // A commit that is on its way decides first.
    if (delivery.committing) return void delivery.committing.then(() => this.#conclude(delivery, ended, onConcluded))
    const run = resultOf(delivery, ended)
    const outcome = decide(run, delivery.attempt, this.#options.policy)
    this.#actors.circuit.note(delivery, run)
    // Only for the report.
    const resultAt = this.#actors.tell.isHeard ? now() : 0
    this.#actors.holdings.beginSettling()
    this.#actors.settler.settle(delivery, outcome, (settled) => {
      // Its lease is extended no more, and the entry may run again. So what still runs for it is told to stop, through
      // its signal: a handler that was left behind, or work that goes on after its handler has returned.
      if (settled !== 'written') delivery.lease.lose()
      this.#actors.holdings.endSettling(delivery)
      const told = settled === 'written' ? outcome : ABANDON
      this.#tellSettled(delivery, told, settled === 'lease-lost' ? 'lease-lost' : run.result, resultAt)
      onConcluded?.()
    })
  }

  /** Resolves when no delivery apart from `but` is held, running or being settled, or the signal is aborted. */
  async whenIdle(signal: AbortSignal, but?: Delivery): Promise<void> {
    const { holdings, slots } = this.#actors
    slots.ripenAll()
    // A handler whose lease was lost still runs, although its delivery is no longer held.
    await slots.whenIdle(signal)
    await holdings.whenEmptyBut(but, signal)
  }

  /** Whether no delivery apart from `but` is held or running. */
  isIdle(but?: Delivery): boolean {
    const { holdings, slots } = this.#actors
    return slots.isIdle && holdings.isEmptyBut(but)
  }

  #tellSettled(delivery: Delivery, outcome: Outcome, result: SettledReport['result'], resultAt: number): void {
    const { tell, clock } = this.#actors
    if (!tell.isHeard) return
    const { group, consumer } = this.#options
    const { entryId, attempt, event, startedAt } = delivery
    const durationMs = startedAt === undefined ? 0 : now() - startedAt
    tell({
      kind: 'settled',
      outcome,
      result,
      group,
      consumer,
      entryId,
      attempt,
      eventId: event.id,
      eventType: event.type,
      durationMs,
      handlerMs: startedAt === undefined ? 0 : resultAt - startedAt,
      ageMs: startedAt === undefined ? undefined : clock.ageBefore(durationMs, entryId),
    })
  }
}

/** A delivery is charged for being left behind only if its handler was called. */
function resultOf({ decided, isCalled }: Delivery, ended: RunResult): RunResult {
  return decided ?? (ended.result === 'unfinished' && !isCalled ? { result: 'unstarted' } : ended)
}
