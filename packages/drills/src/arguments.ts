import { type ParseArgsConfig, parseArgs } from 'node:util'

/** One clear message about what was given, and exit code 2. */
export function endWithWrongArgument(message: string): never {
  console.error(message)
  process.exit(2)
}

/** As Node's `parseArgs`, but what it does not know ends the program. */
export function parseArguments<T extends ParseArgsConfig>(config: T): ReturnType<typeof parseArgs<T>> {
  try {
    return parseArgs(config)
  } catch (error) {
    return endWithWrongArgument((error as Error).message)
  }
}

/** A whole number; anything else, or a smaller one, ends the program. */
export function wholeNumber(name: string, text: string, least = 0): number {
  if (/^\d+$/.test(text) && Number(text) >= least) return Number(text)
  return endWithWrongArgument(`${name}: expected a whole number${least > 0 ? ` from ${least} on` : ''}, got ${text}`)
}
