import type { Figures } from './figures.ts'

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
  #newest = 0

  isDue(at: number): boolean {
    return at >= this.#newest + EVERY_MS || at < this.#newest
  }

  add(at: number, figures: ReadonlyMap<string, Figures>): void {
    // Redis' clock was set back: what was noted before lies ahead of it.
    if (at < this.#newest) this.#groups.clear()
    this.#newest = at
    for (const [group, figuresOfGroup] of figures) {
      const samples = this.#groups.get(group) ?? []
      if (samples.length === 0 && this.#groups.size >= MAX_GROUPS) continue
      samples.push({ at, ...figuresOfGroup })
      this.#groups.set(group, samples)
    }
    for (const [group, samples] of this.#groups) {
      while (samples[0] && samples[0].at < at - KEPT_MS) samples.shift()
      if (samples.length === 0) this.#groups.delete(group)
    }
  }

  /** Oldest first. */
  of(group: string): readonly Sample[] {
    return this.#groups.get(group) ?? []
  }
}
