import {
  type DeadLetter,
  type DeadLetters,
  type LetterFilter,
  openDeadLetters,
} from '@redis-streams-processor/streams-core'
import { Failure } from '../../tool/failure.ts'
import type { Tool } from '../../tool/tool.ts'

// What the commands on dead letters share: which letters are meant.

export interface Filter {
  group?: string
  type?: string
  reason?: DeadLetter['reason']
  olderThan?: number
  youngerThan?: number
}
export interface Some extends Filter {
  all?: boolean
  dryRun?: boolean
}

export const filterOf = ({ type, reason, olderThan, youngerThan }: Filter): LetterFilter => ({
  ...(type !== undefined && { eventType: type }),
  ...(reason !== undefined && { reason }),
  ...(olderThan !== undefined && { olderThanMs: olderThan }),
  ...(youngerThan !== undefined && { youngerThanMs: youngerThan }),
})

export async function using<R>(tool: Tool, group: string, work: (letters: DeadLetters) => Promise<R>): Promise<R> {
  const letters = openDeadLetters(tool.stream, { ...tool.redis, group })
  try {
    return await work(letters)
  } finally {
    await letters.close()
  }
}

/** @param groups In which it was looked for. */
export function noLetter(id: string, groups: readonly string[]): Failure {
  const nobody = groups.length === 1 ? `group ${groups[0]} has no` : 'no group has a'
  return new Failure('notFound', 'NO_SUCH_LETTER', `${nobody} dead letter ${id}`)
}

/** @throws {Failure} when nothing says which letters are meant, or too much does. */
export function checkChoice(ids: readonly string[], given: Some): void {
  const isFiltered = Object.keys(filterOf(given)).length > 0
  if (ids.length > 0 && (isFiltered || given.all)) {
    throw new Failure('usage', 'USAGE', 'give ids of letters, or say which with options, not both')
  }
  if (ids.length === 0 && !isFiltered && !given.all) {
    throw new Failure(
      'usage',
      'USAGE',
      'say which letters: their ids, --type, --reason, --older-than, --younger-than, or --all',
    )
  }
}
