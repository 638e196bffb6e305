import { Argument, type Command } from 'commander'
import { completionScript, type Shell, shells } from '../show/completion.ts'

export function addCompletion(program: Command): void {
  program
    .command('completion')
    .addArgument(new Argument('<shell>', 'which shell').choices(shells))
    .summary('a script that completes commands and options in the shell')
    .description('Prints a script that completes commands and options. With npx: alias streamctl="npx streamctl".')
    .action((shell: Shell) => {
      process.stdout.write(completionScript(program, shell))
    })
}
