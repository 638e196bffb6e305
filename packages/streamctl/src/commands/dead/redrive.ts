import type { DeadLetters, RedriveResult } from '@redis-streams-processor/streams-core'
import { redrivenText, redriveText } from '../../show/redrive-text.ts'
import { wrap } from '../../show/text.ts'
import { some } from '../../show/words.ts'
import { theGroup } from '../../tool/choose-group.ts'
import type { Progress } from '../../tool/progress.ts'
import { sleep } from '../../tool/sleep.ts'
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
  const done = await using<Done>(tool, group, async (letters) => {
    if (ids.length > 0) return redriveByIds(tool, letters, ids, { group, dryRun, maxPerSecond, progress })
    const chosen = { ...filterOf(given), again, signal: tool.signal }
    const saying = (what: string, all: number) => (soFar: Done) => progress.say(what, sumOf(soFar), all)
    const count = async () => {
      const onProgress = saying('letters found', progress.isSeen ? await letters.count() : 0)
      return letters.redrive({ ...chosen, onProgress, dryRun: true }).finally(() => progress.end())
    }
    if (dryRun) return count()
    // How many they are, so that the bar can say how far the work is.
    const all = progress.isSeen ? sumOf(await count()) : 0
    const pace = maxPerSecond === undefined ? {} : { maxPerSecond }
    return letters.redrive({ ...chosen, ...pace, onProgress: saying('letters', all) })
  }).finally(() => progress.end())
  const { redriven, skipped, unreadable } = done
  tool.throwIfInterrupted(redrivenText(group, redriven, dryRun))
  tool.show({ group, redriven, skipped, unreadable, dryRun }, (width) =>
    wrap(redriveText(group, done, dryRun), width, 2),
  )
}

type Done = Omit<RedriveResult, 'to'>

const sumOf = ({ redriven, skipped }: Done) => redriven + skipped

async function redriveByIds(
  tool: Tool<'dead redrive'>,
  letters: DeadLetters,
  ids: readonly string[],
  how: { group: string; dryRun: boolean; maxPerSecond: number | undefined; progress: Progress },
): Promise<Done> {
  const { group, dryRun, maxPerSecond, progress } = how
  const result: Done = { redriven: 0, skipped: 0, unreadable: 0 }
  for (const id of ids) {
    if (tool.signal.aborted) break
    const letter = await letters.get(id)
    const isSkipped = letter?.reason === 'unreadable'
    const isThere = letter && (dryRun || isSkipped || (await letters.redriveOne(id)) !== undefined)
    if (!isThere) throw noLetter(id, [`${group} (${some(result.redriven, 'letter')} redriven before it)`])
    if (isSkipped) result.unreadable = result.skipped += 1
    else result.redriven += 1
    progress.say('letters', sumOf(result), ids.length)
    if (maxPerSecond && !dryRun && !isSkipped) await sleep(1_000 / maxPerSecond, tool.signal)
  }
  return result
}
