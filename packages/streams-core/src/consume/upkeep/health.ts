import { now } from '../../base/clock.ts'
import { READ_MARGIN_MS } from '../../broker/intake.ts'
import type { UpkeepBroker } from '../../broker/upkeep.ts'
import type { Health, Tell } from '../../tell/report.ts'
import type { GroupControls } from '../controls/group-controls.ts'
import type { Reader } from '../intake/reader.ts'
import type { Room } from '../slots/room.ts'

/** How often a change of readiness is told. */
export const HEALTH_EVERY_MS = 1_000
/** How often the oldest unhandled entry is looked up. */
export const LOOK_EVERY_MS = 2_000

/** In a group with a limit, the oldest entry may wait for so many starts of other entries. */
const STARTS_OF_OTHERS = 10

export type Phase = 'starting' | 'running' | 'stopping' | 'stopped'

/** A consumer is ready when its work has moved on lately, not merely because its process is up. */
export class HealthKeeper {
  readonly #options: { group: string; consumer: string; blockMs: number; stalledAfterMs: number }
  readonly #broker: UpkeepBroker
  readonly #room: Room
  readonly #reader: Reader
  readonly #controls: GroupControls
  readonly #tell: Tell
  #wasReady: boolean | undefined
  #oldest: { id: string; since: number } | undefined
  #lookedAt = now()
  phase: Phase = 'starting'

  constructor(
    options: { group: string; consumer: string; blockMs: number; stalledAfterMs: number },
    actors: { broker: UpkeepBroker; room: Room; reader: Reader; controls: GroupControls; tell: Tell },
  ) {
    this.#options = options
    this.#broker = actors.broker
    this.#room = actors.room
    this.#reader = actors.reader
    this.#controls = actors.controls
    this.#tell = actors.tell
  }

  async lookOnce(): Promise<void> {
    // Of a paused group, nobody should be working on any.
    const oldest = await this.#broker.oldestUnhandled()
    const id = this.#controls.isPaused ? undefined : oldest
    this.#lookedAt = now()
    if (id !== this.#oldest?.id) this.#oldest = id === undefined ? undefined : { id, since: this.#lookedAt }
  }

  /** Tells when readiness comes or goes. */
  async tellChange(): Promise<void> {
    const health = this.health()
    if (health.ready === this.#wasReady) return
    this.#wasReady = health.ready
    const { group, consumer } = this.#options
    this.#tell({ kind: 'health', group, consumer, ...health })
  }

  /** Names the first reason not to be ready. */
  health(): Health {
    const { blockMs } = this.#options
    const stalledAfterMs = this.#stalledAfterMs
    if (this.phase !== 'running') return unready(`the consumer is ${this.phase}`)
    const lookedMs = now() - this.#lookedAt
    if (lookedMs > LOOK_EVERY_MS + READ_MARGIN_MS) return unready(`Redis has not answered for ${lookedMs.toFixed()} ms`)
    // A consumer that is full, or runs a crash suspect alone, does not read. Then only the stall check below can tell.
    const readMs = now() - this.#reader.lastReadAt
    const shouldRead = this.#room.toRead > 0 && !this.#reader.isPaused
    if (shouldRead && readMs > blockMs + READ_MARGIN_MS)
      return unready(`no read has completed for ${readMs.toFixed()} ms`)
    // Until the last look: what it has done since then is not known.
    const stalledMs = this.#oldest ? this.#lookedAt - this.#oldest.since : 0
    if (stalledMs > stalledAfterMs) {
      return unready(`the oldest unhandled entry, ${this.#oldest?.id}, has not moved for ${stalledMs.toFixed()} ms`)
    }
    return { ready: true }
  }

  /** Of a paused group, nothing has to move; with a limit, the oldest entry may wait for the starts of others. */
  get #stalledAfterMs(): number {
    const { limitPerSecond } = this.#controls.inForce
    if (this.#controls.isPaused) return Number.POSITIVE_INFINITY
    const waitMs = limitPerSecond === undefined ? 0 : STARTS_OF_OTHERS * (1_000 / limitPerSecond)
    return this.#options.stalledAfterMs + waitMs
  }
}

const unready = (reason: string): Health => ({ ready: false, reason })
