import { Command } from 'commander'
import { addCompletion } from './commands/completion.ts'
import { addConsumers } from './commands/consumers.ts'
import { addDead } from './commands/dead/index.ts'
import { addDoctor } from './commands/doctor.ts'
import { addFind } from './commands/find.ts'
import { addGroup } from './commands/group.ts'
import { addPending } from './commands/pending.ts'
import { addPublish } from './commands/publish.ts'
import { addStatus } from './commands/status.ts'
import { addTail } from './commands/tail.ts'
import { addTrim } from './commands/trim.ts'
import { examples } from './examples.ts'
import { wrap } from './show/text.ts'
import { exitCodes } from './tool/exit-codes.ts'

const HELP_WIDTH = 80

/** The whole command line, as a tree of commands. */
export function createProgram(): Command {
  const program = new Command('streamctl')
    .description('Operates streams: look, find, redrive, replay, pause.')
    .option('--redis <url>', 'where Redis is (default: REDIS_URL; passwords belong into REDIS_PASSWORD_FILE)')
    .option('--stream <name>', 'key of the stream (default: STREAM)')
    .option('--json', 'one JSON object a line')
    .option('--yes', 'ask nothing')
    .exitOverride()
    .configureOutput({ outputError: () => {} })
    .configureHelp({ showGlobalOptions: true, helpWidth: HELP_WIDTH })
    .showSuggestionAfterError()
  for (const add of [
    addStatus,
    addTail,
    addFind,
    addPending,
    addDead,
    addPublish,
    addGroup,
    addConsumers,
    addTrim,
    addDoctor,
  ])
    add(program)
  addCompletion(program)
  for (const command of allCommands(program)) {
    const example = examples[pathOf(command)]
    if (example) command.addHelpText('after', `\nExample:\n  $ ${example}`)
  }
  return program.addHelpText('after', `\n${exitText()}`)
}

/** The command and all below it. */
export function allCommands(command: Command): Command[] {
  return [command, ...command.commands.flatMap(allCommands)]
}

/** "dead list"; empty for the program itself. */
export function pathOf(command: Command): string {
  return command.parent ? `${pathOf(command.parent)} ${command.name()}`.trim() : ''
}

function exitText(): string {
  const lines = Object.values(exitCodes).flatMap(([code, meaning]) =>
    wrap(`  ${String(code).padStart(3)}  ${meaning}`, HELP_WIDTH, 7),
  )
  return ['Exit codes:', ...lines].join('\n')
}
