import type { DeadLetters, RedriveResult } from '@redis-streams-processor/streams-core'
import { some } from '../../show/words.ts'
import { theGroup } from '../../tool/choose-group.ts'
import type { Tool } from '../../tool/tool.ts'
import { checkChoice, filterOf, noLetter, type Some, using } from './letters.ts'

interface Options extends Some {
  again?: boolean
  maxPerSecond?: number
}

export async function redrive(tool: Tool<'dead redrive'>, given: Options, ids: string[]): Promise<void> {
  checkChoice(ids, given)
  const { again = false, maxPerSecond, dryRun = false } = given
  const group = await theGroup(tool, given.group)
  const progress = tool.progress()
  const result = await using(tool, group, async (letters) => {
    if (ids.length > 0) return redriveByIds(letters, ids, { group, dryRun })
    const chosen = { ...filterOf(given), again, signal: tool.signal }
    if (dryRun) return letters.redrive({ ...chosen, dryRun })
    // How many they are, so that the bar can say how far the work is.
    const all = progress.isSeen ? sumOf(await letters.redrive({ ...chosen, dryRun: true })) : 0
    const onProgress = (soFar: RedriveResult) => progress.say('letters', sumOf(soFar), all)
    const pace = maxPerSecond === undefined ? {} : { maxPerSecond }
    return letters.redrive({ ...chosen, ...pace, onProgress })
  }).finally(() => progress.end())
  const verb = dryRun ? 'would be redriven' : 'redriven'
  const skipped = result.skipped > 0 ? `; ${leftOf(result.skipped)}` : ''
  const done = `${some(result.redriven, 'letter')} of ${group} ${verb}${skipped}`
  tool.throwIfInterrupted(done)
  tool.show({ group, ...result, dryRun }, () => [done])
}

const sumOf = ({ redriven, skipped }: RedriveResult) => redriven + skipped

function leftOf(skipped: number): string {
  return `${some(skipped, 'letter')} left where they are, because they were redriven before (--again) or cannot be read`
}

async function redriveByIds(
  letters: DeadLetters,
  ids: readonly string[],
  { group, dryRun }: { group: string; dryRun: boolean },
) {
  let redriven = 0
  for (const id of ids) {
    const isThere = dryRun ? await letters.get(id) : await letters.redriveOne(id)
    if (isThere === undefined) throw noLetter(id, `${group} (${some(redriven, 'letter')} redriven before it)`)
    redriven += 1
  }
  return { redriven, skipped: 0 }
}
