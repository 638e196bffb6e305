import type { StreamLook } from '@redis-streams-processor/streams-core'
import { type Figures, Rates } from './figures.ts'

/** One figure every so often, for so long, of so many groups. */
export const EVERY_MS = 10_000
const KEPT_MS = 3_600_000
const MAX_GROUPS = 200

export interface Sample extends Figures {
  /** Milliseconds since the epoch, by Redis' clock. */
  at: number
}

/** The figures of the last hour, in memory. */
export class History {
  readonly #groups = new Map<string, Sample[]>()
  /**
   * Of the samples alone: so each rate is that of all the time since the sample before, or since its group was first seen,
   * and nothing falls between two.
   */
  readonly #rates = new Rates()
  #newest = 0

  /** To be told each look, in order. Returns whether it is a sample. */
  add(look: StreamLook): boolean {
    const at = look.nowMs
    if (at >= this.#newest && at < this.#newest + EVERY_MS) {
      this.#rates.meet(look)
      return false
    }
    // Redis' clock was set back: what was noted before lies ahead of it.
    if (at < this.#newest) this.#groups.clear()
    this.#newest = at
    this.#rates.add(look)
    for (const group of look.groups) {
      const samples = this.#groups.get(group.group) ?? []
      if (samples.length === 0 && this.#groups.size >= MAX_GROUPS) continue
      samples.push({ at, ...this.#rates.figuresOf(group) })
      this.#groups.set(group.group, samples)
    }
    for (const [group, samples] of this.#groups) {
      while (samples[0] && samples[0].at < at - KEPT_MS) samples.shift()
      if (samples.length === 0) this.#groups.delete(group)
    }
    return true
  }

  /** Oldest first. */
  of(group: string): readonly Sample[] {
    return this.#groups.get(group) ?? []
  }
}
