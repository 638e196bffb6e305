import type { RunResult } from '../../define/outcome.ts'
import type { Delivery } from '../delivery/delivery.ts'
import type { GroupControls } from './group-controls.ts'
import type { Starts } from './starts.ts'

const UNSTARTED: RunResult = { result: 'unstarted' }

/** Says whether a handler may start, as far as the group is controlled from outside, and when. */
export class Gate {
  readonly #controls: GroupControls
  readonly #starts: Starts
  /** False while a crash suspect is to run alone: nothing else may wait for its start then. */
  #letsWait = true

  constructor(actors: { controls: GroupControls; starts: Starts }) {
    this.#controls = actors.controls
    this.#starts = actors.starts
  }

  /** Nothing is paused or limited: no delivery need be asked about. */
  get isClear(): boolean {
    return this.#controls.isClear
  }

  /** How many deliveries one call of a batch handler may have. */
  get largestBatch(): number {
    return Math.max(1, this.#controls.inForce.limitPerSecond ?? Number.POSITIVE_INFINITY)
  }

  /** The result of a delivery whose handler is not to start, because of a pause. Does not decode the entry. */
  bars(delivery: Delivery): RunResult | undefined {
    // A crash is settled without a run.
    if (this.isClear || delivery.kind === 'crashed') return undefined
    const { operator, types } = this.#controls.inForce
    if (operator || (this.#controls.isPaused && delivery.kind !== 'probe')) return UNSTARTED
    const { type } = delivery
    return type !== undefined && types.has(type) ? { result: 'paused', eventType: type } : undefined
  }

  /**
   * Waits until the handler may start for these deliveries of one event type, which count as that many starts. The
   * handler has to be called at once. Where nothing is in force, callers need not ask: it saves a promise. Resolves to the
   * result of those whose handler is not to start after all: also if they have become more than one call may have.
   */
  async enter(deliveries: readonly [Delivery, ...Delivery[]]): Promise<RunResult | undefined> {
    const [first] = deliveries
    const barred = this.bars(first)
    if (barred || this.#controls.inForce.limitPerSecond === undefined || first.hasStart) return barred
    if (!this.#letsWait) return UNSTARTED
    const isWanted = () => this.#letsWait && deliveries.length <= this.largestBatch && !this.bars(first)
    return (await this.#starts.take(deliveries.length, isWanted)) ? undefined : (this.bars(first) ?? UNSTARTED)
  }

  /** Until `work` has ended, whatever waits for its start, or would have to, is not to start after all. */
  async whileNothingWaits(work: () => Promise<void>): Promise<void> {
    this.#letsWait = false
    this.#starts.recheck()
    try {
      await work()
    } finally {
      this.#letsWait = true
    }
  }
}
