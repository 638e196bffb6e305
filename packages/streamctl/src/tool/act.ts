import type { Command } from 'commander'
import type { CommandName } from '../data.ts'
import { type GlobalOptions, Tool } from './tool.ts'

const ending = new AbortController()

/** Aborted by Ctrl-C, or when the program is asked to end in another way. */
export const interrupted: AbortSignal = ending.signal
export const interrupt = (): void => ending.abort()

/** Makes of what a command does what commander calls: with the tool and the options first, then the arguments. */
export function act<C extends CommandName, A extends unknown[], O>(
  name: C,
  action: (tool: Tool<C>, options: O, ...args: A) => Promise<void>,
) {
  return async (...given: unknown[]): Promise<void> => {
    const command = given.at(-1) as Command
    const options = command.optsWithGlobals() as O & GlobalOptions
    await action(new Tool(name, options, interrupted), options, ...(given.slice(0, -2) as A))
  }
}
