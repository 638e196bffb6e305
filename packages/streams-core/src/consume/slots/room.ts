import type { Condition } from '../../base/condition.ts'
import type { GroupControls } from '../controls/group-controls.ts'
import type { Starts } from '../controls/starts.ts'
import type { Holdings } from '../delivery/holdings.ts'
import type { HandlerSlots } from './handler-slots.ts'
import type { WaitingJobs } from './waiting-jobs.ts'

/** Unless its size is fixed, the buffer holds what will start within this time. */
const SOON_MS = 50

/** In a group with a limit, a consumer holds what could start within this time if it were the only one. */
const SOON_WITH_LIMIT_MS = 500

/** The buffer of a consumer whose handlers are instant. With 500 places it drains a backlog a tenth slower. */
const MAX_BUFFERED = 1_000

export interface RoomActors {
  slots: HandlerSlots
  waiting: WaitingJobs
  holdings: Holdings
  starts: Starts
  controls: GroupControls
  /** Notified by the actors above when there may be more room. */
  changed: Condition
}

/**
 * Says how many entries the consumer has room for, to whoever brings them:
 *
 *   toRead    new entries. The reader asks before each read. Health asks, too: without room, not to read is no fault
 *   toStart   claimed entries that find a free slot. The claimer asks for it first
 *   toClaim   claimed entries that find a free slot or may wait for one. The claimer asks for it when `toStart` is 0,
 *             and as long as there is more to claim
 *
 * What has places:
 *
 *   a slot       one. While it runs a batch: one for each delivery without a result, at least one. If a gathering batch
 *                is going to take it: one for each delivery that fits
 *   the buffer   further ones, for entries that wait
 *   settling     as many again as the buffer has, for entries whose outcome is on its way to Redis, so that the slots do not
 *                wait for its answer: without these, a consumer drains a backlog a seventh slower
 *
 * What takes up a place, until it is settled, or, if its lease is lost, until its handler has ended:
 *
 *   a read entry      from its arrival
 *   a claimed entry   from its start. While it waits it takes up none, and about as many may wait as there are slots: so
 *                     neither kind keeps the other out
 *
 * In a group with a limit, there is room for what may start soon, and no more.
 */
export class Room {
  readonly #maxBuffered: number | undefined
  readonly #actors: RoomActors

  /** @param maxBuffered Fixes the size of the buffer. */
  constructor(maxBuffered: number | undefined, actors: RoomActors) {
    this.#maxBuffered = maxBuffered
    this.#actors = actors
  }

  /**
   * The free places; 0 until there are half as many as the buffer has, because many small reads cost more than a few
   * large ones: without this, and with handlers of a millisecond, there are six times as many reads, and Redis needs a
   * tenth more CPU.
   */
  get toRead(): number {
    const { slots, waiting, holdings } = this.#actors
    const inSlots = slots.runningDeliveries + waiting.fitInto(slots.freeSlots, 'read')
    // A claimed delivery that waits takes up no place.
    const taken = holdings.takingPlaces - waiting.claimed
    const { settling } = holdings
    const freeWith = (buffer: number) => inSlots + buffer - taken + Math.min(settling, buffer)
    // Asked after each event: most of the time this says no, and needs no clock.
    const largest = this.#maxBuffered ?? MAX_BUFFERED
    if (freeWith(largest) < largest / 2) return 0
    const buffer = this.#buffer
    const free = freeWith(buffer)
    return free >= Math.max(1, buffer / 2) ? this.#withLimit(free) : 0
  }

  get toStart(): number {
    return this.#claimedFor(this.#actors.slots.freeSlots)
  }

  get toClaim(): number {
    return this.#claimedFor(this.#actors.slots.concurrency)
  }

  /** Resolves when there is room to read, or the signal is aborted. */
  whenToRead(signal: AbortSignal): Promise<void> {
    return this.#actors.changed.wait(() => this.toRead > 0, signal)
  }

  /**
   * Resolves when there is room to claim half as many entries as there are slots, or the signal is aborted. Half, because
   * the next ones are to come before the last one that waits is started, and not one by one.
   */
  whenToClaim(signal: AbortSignal): Promise<void> {
    const { slots, changed } = this.#actors
    return changed.wait(() => this.toClaim >= slots.concurrency / 2, signal)
  }

  /** The places in the buffer. Together with one for each slot, they are for what will start within SOON_MS. */
  get #buffer(): number {
    if (this.#maxBuffered !== undefined) return this.#maxBuffered
    const { slots } = this.#actors
    const { averageMs, concurrency } = slots
    if (averageMs === undefined || averageMs >= SOON_MS) return 0
    // A slot that has been taken for longer than SOON_MS counts as one that starts nothing soon.
    const starting = concurrency - slots.takenLongerThan(SOON_MS)
    // The clock has steps: an average may be 0.
    const startsOfEach = SOON_MS / Math.max(averageMs, 0.001)
    return Math.min(MAX_BUFFERED, Math.max(0, Math.floor(starting * startsOfEach) - concurrency))
  }

  /** How many claimed entries fit into this many slots beside those that wait already. */
  #claimedFor(slots: number): number {
    const { waiting } = this.#actors
    return this.#withLimit(Math.max(0, waiting.fitInto(slots, 'claimed') - waiting.claimed))
  }

  /** Of so many places, those for entries that the limit of the group lets start soon. */
  #withLimit(places: number): number {
    const { controls, holdings, slots, starts } = this.#actors
    const { limitPerSecond } = controls.inForce
    if (limitPerSecond === undefined) return places
    const soon = Math.max(1, Math.ceil((limitPerSecond * SOON_WITH_LIMIT_MS) / 1_000))
    const unstarted = holdings.takingPlaces - holdings.settling - slots.runningDeliveries + starts.waiting
    return Math.min(places, Math.max(0, soon - unstarted))
  }
}
