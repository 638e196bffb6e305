import { type HeldBack, trimStream } from '@redis-streams-processor/streams-core'
import type { Command } from 'commander'
import { wrap } from '../show/text.ts'
import { count, some } from '../show/words.ts'
import { act } from '../tool/act.ts'
import { Failure } from '../tool/failure.ts'
import type { Tool } from '../tool/tool.ts'

export function addTrim(program: Command): void {
  program
    .command('trim')
    .summary('trim now what every group has acknowledged')
    .description(
      'Trims what every group has acknowledged and the retention does not keep, and says what holds the rest back.',
    )
    .option('--dry-run', 'only count')
    .action(act('trim', trim))
}

async function trim(tool: Tool<'trim'>, { dryRun = false }: { dryRun?: boolean }): Promise<void> {
  const retention = tool.settings.retention()
  if (retention.policy === 'maxlen') {
    throw new Failure('usage', 'SETTINGS', 'RETENTION=maxlen: publishes trim by themselves whatever is too old')
  }
  const options = { ...tool.redis, retention }
  const plan = await trimStream(tool.stream, { ...options, dryRun: true })
  if (!dryRun && plan.trimmed > 0) {
    await tool.confirm(
      `Trim ${some(plan.trimmed, 'entry', 'entries')} that every group has acknowledged? No group can be set back to them then.`,
    )
  }
  const progress = tool.progress()
  const onProgress = (trimmed: number) => progress.say('entries trimmed', trimmed, plan.trimmed)
  const result = dryRun ? plan : await trimStream(tool.stream, { ...options, onProgress }).finally(() => progress.end())
  tool.show({ ...result, dryRun }, (width) => {
    const done = `${some(result.trimmed, 'entry', 'entries')} ${dryRun ? 'would be trimmed' : 'trimmed'}; the stream holds ${count(result.length)}`
    const why = result.heldBack === undefined ? [] : wrap(`held back: ${whyOf(result.heldBack)}`, width, 2)
    return [...wrap(done, width, 2), ...why]
  })
}

function whyOf(heldBack: HeldBack): string {
  switch (heldBack.by) {
    case 'group':
      return `group ${heldBack.group} needs ${heldBack.neededId} and what follows; ${some(heldBack.pending, 'entry is', 'entries are')} pending there`
    case 'gone-group':
      return `group ${heldBack.group} was deleted less than five minutes ago, and may come back; it needs ${heldBack.neededId}`
    case 'missing-groups':
      return `RETENTION_GROUPS names groups that do not exist yet: ${heldBack.groups.join(', ')}`
    case 'no-group':
      return 'the stream has no group, so nobody has acknowledged anything'
    case 'keepAtLeast':
    case 'keepForMs':
      return `the retention keeps it (${heldBack.by === 'keepForMs' ? 'KEEP_FOR_MS' : 'keepAtLeast'})`
    default:
      return heldBack satisfies never
  }
}
