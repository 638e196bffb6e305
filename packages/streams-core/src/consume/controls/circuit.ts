import { now } from '../../base/clock.ts'
import type { ControlsBroker, Verdict } from '../../broker/controls.ts'
import type { ParsedConsumerSettings } from '../../define/consumer-settings.ts'
import type { RunResult } from '../../define/outcome.ts'
import type { Tell } from '../../tell/report.ts'
import type { Delivery } from '../delivery/delivery.ts'
import type { GroupControls } from './group-controls.ts'

/** What the result of a delivery tells of whatever its handler depends on. */
const VERDICTS: Record<RunResult['result'], Verdict> = {
  returned: 'success',
  committed: 'success',
  skipped: 'success',
  rejected: 'success',
  threw: 'failure',
  'retry-after': 'failure',
  'timed-out': 'failure',
  'commit-failed': 'none',
  malformed: 'none',
  'not-ours': 'none',
  'handled-before': 'none',
  'handled-elsewhere': 'none',
  unserved: 'none',
  crashed: 'none',
  unstarted: 'none',
  paused: 'none',
  unfinished: 'none',
  'lease-lost': 'none',
  deleted: 'none',
}

export interface CircuitActors {
  broker: ControlsBroker
  controls: GroupControls
  tell: Tell
}

/**
 * Pauses the group when too many of the last handlers have failed, and ends that pause when a probe succeeds. Counts in
 * this process only: it costs nothing in Redis. Probes, which any consumer of the group may get, also where it has no
 * circuit of its own, are concluded here.
 */
export class Circuit {
  readonly #who: { group: string; consumer: string }
  readonly #settings: ParsedConsumerSettings['circuit']
  readonly #actors: CircuitActors
  /** Of the last deliveries: whether each failed, the oldest first. */
  #failed: boolean[] = []
  #failures = 0
  /** When this consumer last saw that the circuit was closed; on the clock of `now()`. */
  #closedAt = 0

  constructor(
    { group, consumer, circuit }: Pick<ParsedConsumerSettings, 'group' | 'consumer' | 'circuit'>,
    actors: CircuitActors,
  ) {
    this.#who = { group, consumer }
    this.#settings = circuit
    this.#actors = actors
    // What failed before the circuit was closed must not open it again.
    actors.controls.onChange((before) => {
      if (before.circuit && !actors.controls.inForce.circuit) this.#forget()
    })
  }

  /** Takes note of how a delivery went. Never throws. */
  note(delivery: Delivery, { result }: RunResult): void {
    if (delivery.kind === 'probe') return void this.#conclude(delivery, VERDICTS[result])
    if (!this.#settings) return
    const verdict = VERDICTS[result]
    // Also while this consumer opens the circuit.
    if (verdict === 'none' || this.#actors.controls.isPaused) return
    // It began before the circuit was opened, so it tells nothing new.
    if (delivery.startedAt !== undefined && delivery.startedAt < this.#closedAt) return
    this.#count(verdict === 'failure')
    const { deliveries, failureShare } = this.#settings
    const isTooMuch = this.#failed.length >= deliveries && this.#failures >= failureShare * deliveries
    if (isTooMuch) void this.#open(this.#settings.probeEveryMs)
  }

  #count(hasFailed: boolean): void {
    this.#failed.push(hasFailed)
    if (hasFailed) this.#failures += 1
    if (this.#failed.length > (this.#settings?.deliveries ?? 0) && this.#failed.shift()) this.#failures -= 1
  }

  #forget(): void {
    this.#closedAt = now()
    this.#failed = []
    this.#failures = 0
  }

  async #open(probeEveryMs: number): Promise<void> {
    const { broker, controls, tell } = this.#actors
    const [failed, deliveries] = [this.#failures, this.#failed.length]
    const reason = `${failed} of the last ${deliveries} handlers of ${this.#who.consumer} failed`
    try {
      await controls.pauseWhile(async () => {
        const { opened, controls: raw } = await broker.openCircuit(reason, probeEveryMs)
        if (opened) tell({ kind: 'circuit-opened', ...this.#who, failed, deliveries })
        return raw
      })
    } catch {
      // Redis did not take it. The next handler that ends tries again, if still too many have failed.
    }
  }

  async #conclude({ entryId, probeOf = '' }: Delivery, verdict: Verdict): Promise<void> {
    const { broker, controls, tell } = this.#actors
    tell({ kind: 'circuit-probed', ...this.#who, entryId, verdict })
    if (verdict === 'failure') return
    try {
      const { closed, controls: raw } = await broker.concludeProbe(probeOf, verdict)
      if (closed) tell({ kind: 'circuit-closed', ...this.#who, entryId })
      controls.seen(raw)
    } catch {
      // Redis did not take it. The next probe tells.
    }
  }
}
