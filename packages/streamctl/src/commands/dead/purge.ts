import type { DeadLetters, LetterFilter } from '@redis-streams-processor/streams-core'
import { some } from '../../show/words.ts'
import { theGroup } from '../../tool/choose-group.ts'
import type { Tool } from '../../tool/tool.ts'
import { checkChoice, filterOf, type Some, using } from './letters.ts'

export async function purge(tool: Tool<'dead purge'>, given: Some, ids: string[]): Promise<void> {
  checkChoice(ids, given)
  const { dryRun = false } = given
  const group = await theGroup(tool, given.group)
  const progress = tool.progress()
  const purged = await using(tool, group, async (letters) => {
    // What dies while the question waits for its answer is not meant.
    const meant = ids.length > 0 ? await existing(letters, ids) : await matching(letters, filterOf(given), tool.signal)
    if (dryRun || meant.length === 0 || tool.signal.aborted) return dryRun ? meant.length : 0
    await tool.confirm(`Delete ${some(meant.length, 'dead letter')} of ${group} for good?`)
    let deleted = 0
    for (const id of meant) {
      if (tool.signal.aborted) break
      if (await letters.purgeOne(id)) deleted += 1
      progress.say('letters deleted', deleted, meant.length)
    }
    return deleted
  }).finally(() => progress.end())
  const done = `${some(purged, 'letter')} of ${group} ${dryRun ? 'would be deleted' : 'deleted'}`
  tool.throwIfInterrupted(done)
  tool.show({ group, purged, dryRun }, () => [done])
}

async function matching(letters: DeadLetters, filter: LetterFilter, signal: AbortSignal): Promise<string[]> {
  const found: string[] = []
  for await (const { letterId } of letters.list(filter)) {
    if (signal.aborted) break
    found.push(letterId)
  }
  return found
}

async function existing(letters: DeadLetters, ids: readonly string[]): Promise<string[]> {
  const found: string[] = []
  for (const id of ids) if (await letters.get(id)) found.push(id)
  return found
}
