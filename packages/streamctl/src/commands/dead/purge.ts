import type { DeadLetters } from '@redis-streams-processor/streams-core'
import { wrap } from '../../show/text.ts'
import { some } from '../../show/words.ts'
import { theGroup } from '../../tool/choose-group.ts'
import type { Tool } from '../../tool/tool.ts'
import { checkChoice, filterOf, type Some, using } from './letters.ts'

type PurgeTool = Tool<'dead purge'>

export async function purge(tool: PurgeTool, given: Some, ids: string[]): Promise<void> {
  checkChoice(ids, given)
  const { dryRun = false } = given
  const group = await theGroup(tool, given.group)
  const purged = await using(tool, group, (letters) =>
    ids.length > 0
      ? purgeByIds(tool, letters, { group, ids, dryRun })
      : purgeByFilter(tool, letters, { ...given, group }),
  )
  const done = `${some(purged, 'letter')} of ${group} ${dryRun ? 'would be deleted' : 'deleted'}`
  tool.throwIfInterrupted(done)
  tool.show({ group, purged, dryRun }, (width) => wrap(done, width, 2))
}

async function purgeByFilter(tool: PurgeTool, letters: DeadLetters, given: Some & { group: string }): Promise<number> {
  const { group, dryRun } = given
  const { signal } = tool
  const progress = tool.progress()
  const filter = filterOf(given)
  const all = progress.isSeen ? await letters.count() : 0
  const counting = {
    signal,
    onProgress: (soFar: { purged: number }) => progress.say('letters found', soFar.purged, all),
  }
  const plan = await letters.purge({ ...filter, ...counting, dryRun: true }).finally(() => progress.end())
  if (dryRun || plan.purged === 0 || signal.aborted) return dryRun ? plan.purged : 0
  await confirm(tool, plan.purged, group)
  const onProgress = (soFar: { purged: number }) => progress.say('letters deleted', soFar.purged, plan.purged)
  // What dies while the question waits for its answer is not meant.
  const work = letters.purge({ ...filter, to: plan.to, confirm: group, signal, onProgress })
  return (await work.finally(() => progress.end())).purged
}

async function purgeByIds(
  tool: PurgeTool,
  letters: DeadLetters,
  { group, ids, dryRun }: { group: string; ids: readonly string[]; dryRun: boolean },
): Promise<number> {
  const meant: string[] = []
  for (const id of ids) if (await letters.get(id)) meant.push(id)
  if (dryRun || meant.length === 0) return meant.length
  await confirm(tool, meant.length, group)
  let deleted = 0
  for (const id of meant) if (!tool.signal.aborted && (await letters.purgeOne(id))) deleted += 1
  return deleted
}

const confirm = (tool: PurgeTool, letters: number, group: string) =>
  tool.confirm(`Delete ${some(letters, 'dead letter')} of ${group} for good?`)
