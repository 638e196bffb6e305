import type { Fields } from '../define/entry.ts'
import { type DeadLetter, toLetter } from './letter.ts'

/** What is newest among the dead letters of a group. */
export interface NewestLetters {
  /** Newest first. Less than what was asked for where they are large. */
  letters: Omit<DeadLetter, 'fields'>[]
  /** What `DeadLetters.page` is given to go on. Undefined: these are all. */
  before: string | undefined
}

/** As the script gives them: `[state]` alone where they are those that were seen before, null where none are asked for. */
export type RawLetters = [state: string, letters?: [letterId: string, fields: Fields][], hasMore?: 0 | 1] | null

/** The newest letters of the groups that were looked into last, so that Redis tells them only once they are others. */
export class SeenLetters {
  #groups = new Map<string, { state: string; newest: NewestLetters }>()

  /** What the script is given of each group. */
  wordsOf(groups: readonly string[]): string[] {
    return groups.flatMap((group) => [group, this.#groups.get(group)?.state ?? ''])
  }

  /** Those of all groups. What was seen of others is forgotten. */
  take(found: readonly [group: string, raw: RawLetters][]): void {
    const before = this.#groups
    this.#groups = new Map()
    for (const [group, raw] of found) {
      if (raw === null) continue
      const [state, letters, hasMore] = raw
      const seen = letters ? { state, newest: newestOf(group, letters, hasMore === 1) } : before.get(group)
      if (seen) this.#groups.set(group, seen)
    }
  }

  of(group: string): NewestLetters | undefined {
    return this.#groups.get(group)?.newest
  }
}

function newestOf(group: string, raw: readonly [letterId: string, fields: Fields][], hasMore: boolean): NewestLetters {
  const letters = raw.map(([letterId, all]) => {
    const { fields: _, ...letter } = toLetter(letterId, group, all)
    return letter
  })
  return { letters, before: hasMore ? letters.at(-1)?.letterId : undefined }
}
