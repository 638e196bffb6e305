import { now } from '../../base/clock.ts'
import { sleep } from '../../base/loop.ts'
import type { ControlsBroker, RawControls } from '../../broker/controls.ts'
import { type InForce, inForceOf, NOTHING_IN_FORCE, stateOf } from '../../define/controls.ts'
import type { Tell } from '../../tell/report.ts'

/**
 * Controls that were seen longer ago than this are looked up. A claim brings them along, and comes more often while the
 * consumer has room. The rest of the second in which a pause is promised to hold is for the look itself, and for a timer
 * that is late.
 */
const FRESH_MS = 700

/** Knows what an operator or a circuit has set for the group, as Redis last told it, and tells what changes. */
export class GroupControls {
  readonly #options: { group: string; consumer: string }
  readonly #broker: ControlsBroker
  readonly #tell: Tell
  readonly #onChange: ((before: InForce) => void)[] = []
  #seenAt = now()
  #isCircuitOpening = false
  inForce: InForce = NOTHING_IN_FORCE
  /** Nothing is in force: no event need be asked about. */
  isClear = true

  constructor(options: { group: string; consumer: string }, actors: { broker: ControlsBroker; tell: Tell }) {
    this.#options = options
    this.#broker = actors.broker
    this.#tell = actors.tell
  }

  /** The whole group is paused, by an operator or the circuit. */
  get isPaused(): boolean {
    return this.#isCircuitOpening || this.inForce.operator !== undefined || this.inForce.circuit !== undefined
  }

  /** Calls back after each change, in the order of these calls. */
  onChange(listener: (before: InForce) => void): void {
    this.#onChange.push(listener)
  }

  /** Redis has told what is in force. */
  seen(raw: RawControls): void {
    this.#seenAt = now()
    if (raw.length === 0 && this.inForce === NOTHING_IN_FORCE) return
    const before = this.inForce
    this.inForce = inForceOf(raw)
    this.#setClear()
    if (JSON.stringify([before, [...before.types]]) === JSON.stringify([this.inForce, [...this.inForce.types]])) return
    this.#tellChanges(before)
    for (const listener of this.#onChange) listener(before)
  }

  async look(): Promise<void> {
    this.seen(await this.#broker.read())
  }

  /** Looks when nothing else has brought the controls for long. */
  async lookWhenOld(signal: AbortSignal): Promise<void> {
    await sleep(this.#seenAt + FRESH_MS - now(), signal)
    if (!signal.aborted && now() - this.#seenAt >= FRESH_MS) await this.look()
  }

  /** From now on nothing is started, until `opening` has told Redis of it, or has failed. */
  async pauseWhile(opening: () => Promise<RawControls>): Promise<void> {
    this.#isCircuitOpening = true
    this.#setClear()
    try {
      const raw = await opening()
      this.#endOpening()
      this.seen(raw)
    } catch (error) {
      this.#endOpening()
      // Whoever has seen the group paused meanwhile goes on.
      for (const listener of this.#onChange) listener(this.inForce)
      throw error
    }
  }

  #endOpening(): void {
    this.#isCircuitOpening = false
    this.#setClear()
  }

  #setClear(): void {
    this.isClear = !this.#isCircuitOpening && this.inForce === NOTHING_IN_FORCE
  }

  #tellChanges(before: InForce): void {
    const [was, is] = [stateOf(before), stateOf(this.inForce)]
    if (is.paused && (was.paused?.by !== is.paused.by || was.paused.since !== is.paused.since)) {
      this.#tell({ kind: 'paused', ...this.#options, eventType: undefined, ...is.paused })
    }
    if (was.paused && !is.paused) this.#tell({ kind: 'resumed', ...this.#options, eventType: undefined })
    for (const type of is.pausedTypes) {
      if (before.types.get(type.eventType)?.since !== type.since)
        this.#tell({ kind: 'paused', ...this.#options, by: 'operator', ...type })
    }
    for (const { eventType } of was.pausedTypes) {
      if (!this.inForce.types.has(eventType)) this.#tell({ kind: 'resumed', ...this.#options, eventType })
    }
    const { limitPerSecond: perSecond } = is
    if (perSecond !== was.limitPerSecond) this.#tell({ kind: 'limited', ...this.#options, perSecond })
  }
}
