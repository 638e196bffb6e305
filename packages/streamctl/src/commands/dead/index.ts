import { type Command, Option } from 'commander'
import { duration, rate, whole } from '../../input.ts'
import { act } from '../../tool/act.ts'
import { list, show } from './look.ts'
import { purge } from './purge.ts'
import { redrive } from './redrive.ts'

const REASONS = ['malformed', 'rejected', 'exhausted', 'crashed', 'commit-failed', 'unreadable']

export function addDead(program: Command): void {
  const dead = program
    .command('dead')
    .summary('dead letters: list, show, redrive, purge')
    .description('Works on dead letters.')
  filtered(dead.command('list'))
    .description('Lists dead letters, newest first.')
    .option('--limit <letters>', 'at most so many', whole(1, 100_000), 20)
    .action(act('dead list', list))
  dead
    .command('show')
    .argument('<id>', 'id of the letter, of its event, or of its entry')
    .description('Shows one dead letter: reason, error, and the errors of its deliveries.')
    .option('-g, --group <group>', 'the group (default: that which has such a letter)')
    .option('--payload', 'show the fields of the entry, with the data of the event')
    .action(act('dead show', show))
  filtered(dead.command('redrive'))
    .argument('[letters...]', 'ids of letters')
    .description('Sends letters back to their group, where the handler runs again.')
    .option('--all', 'all letters of the group')
    .option('--again', 'also letters of events that were redriven before and failed again')
    .option('--max-per-second <letters>', 'no faster than this', rate)
    .option('--dry-run', 'only count')
    .action(act('dead redrive', redrive, { heedsCtrlC: true }))
  filtered(dead.command('purge'))
    .argument('[letters...]', 'ids of letters')
    .description('Deletes letters for good.')
    .option('--all', 'all letters of the group')
    .option('--dry-run', 'only count')
    .action(act('dead purge', purge, { heedsCtrlC: true }))
}

const filtered = (command: Command): Command =>
  command
    .option('-g, --group <group>', 'the group (default: the only one; for list: all)')
    .option('--type <type>', 'only events of this type')
    .addOption(new Option('--reason <reason>', 'only with this reason').choices(REASONS))
    .option('--older-than <time>', 'only those that died longer ago than this, e.g. 2h', duration)
    .option('--younger-than <time>', 'only those that died within this time, e.g. 10m', duration)
