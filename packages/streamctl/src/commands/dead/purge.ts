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
    const meant = ids.length > 0 ? await countByIds(letters, ids) : await countMatching(letters, filterOf(given))
    if (dryRun || meant === 0) return meant
    await tool.confirm(`Delete ${some(meant, 'dead letter')} of ${group} for good?`)
    if (ids.length > 0) return purgeByIds(letters, ids)
    const onProgress = (soFar: number) => progress.say(`${some(soFar, 'letter')} deleted`)
    return letters.purge({ ...filterOf(given), confirm: group, signal: tool.signal, onProgress })
  }).finally(() => progress.end())
  const done = `${some(purged, 'letter')} of ${group} ${dryRun ? 'would be deleted' : 'deleted'}`
  tool.throwIfInterrupted(done)
  tool.show({ group, purged, dryRun }, () => [done])
}

async function countMatching(letters: DeadLetters, filter: LetterFilter): Promise<number> {
  const { redriven, skipped } = await letters.redrive({ ...filter, again: true, dryRun: true })
  return redriven + skipped
}

async function countByIds(letters: DeadLetters, ids: readonly string[]): Promise<number> {
  let meant = 0
  for (const id of ids) if (await letters.get(id)) meant += 1
  return meant
}

async function purgeByIds(letters: DeadLetters, ids: readonly string[]): Promise<number> {
  let purged = 0
  for (const id of ids) if (await letters.purgeOne(id)) purged += 1
  return purged
}
