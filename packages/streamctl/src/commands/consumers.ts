import { openGroups } from '@redis-streams-processor/streams-core'
import { type Command, Option } from 'commander'
import { duration } from '../input.ts'
import { wrap } from '../show/text.ts'
import { some, span } from '../show/words.ts'
import { act } from '../tool/act.ts'
import { theGroup } from '../tool/choose-group.ts'
import type { Tool } from '../tool/tool.ts'

interface Options {
  group?: string
  idle: number
  dryRun?: boolean
}

export function addConsumers(program: Command): void {
  const consumers = program
    .command('consumers')
    .summary('names of consumers: prune')
    .description('Works on the names of consumers that Redis keeps.')
  consumers
    .command('prune')
    .description(
      'Deletes names of consumers that hold nothing and were not seen for long. One that lives comes back by itself.',
    )
    .option('-g, --group <group>', 'the group (default: the only one)')
    .addOption(
      new Option('--idle <time>', 'not seen for at least this long').argParser(duration).default(300_000, '5m'),
    )
    .option('--dry-run', 'only list them')
    .action(act('consumers prune', prune))
}

async function prune(tool: Tool<'consumers prune'>, { group: named, idle, dryRun = false }: Options): Promise<void> {
  const group = await theGroup(tool, named)
  const groups = openGroups(tool.stream, tool.redis)
  try {
    const { pruned } = await groups.pruneConsumers(group, { idleMs: idle, dryRun })
    tool.show({ group, pruned, dryRun }, (width) => [
      ...pruned.flatMap(({ name, idleMs }) => wrap(`${name}, last seen ${span(idleMs)} ago`, width, 2)),
      `${some(pruned.length, 'name')} ${dryRun ? 'would be deleted' : 'deleted'}`,
    ])
  } finally {
    await groups.close()
  }
}
