import type { Command } from 'commander'
import type { CommandName } from '../data.ts'
import { heeding, interrupted } from './interrupt.ts'
import { type GlobalOptions, Tool } from './tool.ts'

/**
 * Makes of what a command does what commander calls: with the tool and the options first, then the arguments.
 * @param how.heedsCtrlC The command ends by itself once the signal of its tool is aborted, and says what it has done.
 * Default false: a Ctrl-C ends the program at once.
 */
export function act<C extends CommandName, A extends unknown[], O>(
  name: C,
  action: (tool: Tool<C>, options: O, ...args: A) => Promise<void>,
  { heedsCtrlC = false }: { heedsCtrlC?: boolean } = {},
) {
  return async (...given: unknown[]): Promise<void> => {
    const command = given.at(-1) as Command
    const options = command.optsWithGlobals() as O & GlobalOptions
    const run = () => action(new Tool(name, options, interrupted), options, ...(given.slice(0, -2) as A))
    await (heedsCtrlC ? heeding(run) : run())
  }
}
