import { compareIds } from '../base/entry-id.ts'
import type { EntryView } from '../broker/find.ts'
import type { DeadLetter } from '../broker/letter.ts'
import { type Fields, redriveOf } from '../define/entry.ts'

/** An entry as which another one was redriven. */
export interface Copy {
  entryId: string
  group: string
  /** The entry that had died. */
  of: string
}

/** The copies among entries; those that older versions have appended do not say of which entry they are. */
export function copiesIn(entries: readonly (readonly [entryId: string, fields: Fields])[]): Copy[] {
  return entries.flatMap(([entryId, fields]) => {
    const { group, of } = redriveOf(fields) ?? {}
    return group === undefined || of === undefined ? [] : [{ entryId, group, of }]
  })
}

/** Whether a copy of the entry may be in the stream: some group has done with it, and has no letter of it. */
export function mayBeRedriven({ entryId, groups }: EntryView, letters: readonly DeadLetter[]): boolean {
  return groups.some(({ group, pending, lastDeliveredId }) => {
    const isDead = letters.some((letter) => letter.group === group)
    return !pending && !isDead && compareIds(entryId, lastDeliveredId) <= 0
  })
}
