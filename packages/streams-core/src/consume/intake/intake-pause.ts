import type { Alarm } from '../../base/alarm.ts'
import type { InForce } from '../../define/controls.ts'
import type { GroupControls } from '../controls/group-controls.ts'
import type { Starts } from '../controls/starts.ts'
import type { HandlerSlots } from '../slots/handler-slots.ts'
import type { Reader } from './reader.ts'

export interface IntakePauseActors {
  controls: GroupControls
  reader: Reader
  slots: HandlerSlots
  starts: Starts
  /** Wakes the claimer. */
  alarm: Alarm
}

/**
 * While the group is paused, lets nothing in: the reader reads nothing, and what waits for a slot is released. The
 * claimer goes on, because its script claims nothing then, and says when the pause is over. Ends a blocking read, too, when
 * the limit of the group has changed.
 */
export class IntakePause {
  readonly #actors: IntakePauseActors
  #isPaused = false

  constructor(actors: IntakePauseActors) {
    this.#actors = actors
    actors.controls.onChange((before) => this.#change(before))
  }

  #change(before: InForce): void {
    const { controls, reader, slots, starts, alarm } = this.#actors
    const { isPaused } = controls
    if (isPaused && !this.#isPaused) void reader.pause()
    if (!isPaused && this.#isPaused) reader.resume()
    // A read that blocks has asked for as many entries as there was room for without the limit.
    const isOtherLimit = controls.inForce.limitPerSecond !== before.limitPerSecond
    if (isOtherLimit) void reader.pause().then(() => reader.resume())
    this.#isPaused = isPaused
    if (isPaused) slots.releaseWaiting()
    else slots.startWhatWaits()
    starts.recheck(isOtherLimit)
    alarm.wakeIn(0)
  }
}
