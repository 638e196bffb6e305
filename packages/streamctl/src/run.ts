import { CommanderError } from 'commander'
import { createProgram, pathOf } from './program.ts'
import { interrupt } from './tool/act.ts'
import { exitCodeOf } from './tool/exit-codes.ts'
import { type Failure, failureOf } from './tool/failure.ts'

/** A second Ctrl-C ends the program at once; npm may send the first one twice. */
const SECOND_SIGNAL_MS = 1_000

/** Runs one command line. Resolves to the exit code; never rejects. */
export async function run(words: readonly string[]): Promise<number> {
  listen()
  let command = 'streamctl'
  const program = createProgram().hook('preAction', (_, chosen) => {
    command = pathOf(chosen)
  })
  try {
    await program.parseAsync(words, { from: 'user' })
    return Number(process.exitCode ?? exitCodeOf('done'))
  } catch (error) {
    // Asked for help, or for the version: commander has shown it.
    if (error instanceof CommanderError && error.exitCode === 0) return exitCodeOf('done')
    if (error instanceof CommanderError && error.code === 'commander.help') return exitCodeOf('usage')
    const failure = failureOf(error)
    tell(failure, command, words.includes('--json'))
    return exitCodeOf(failure.exit)
  }
}

function listen(): void {
  let firstAt: number | undefined
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => {
      firstAt ??= performance.now()
      interrupt()
      if (performance.now() - firstAt > SECOND_SIGNAL_MS) process.exit(exitCodeOf('interrupted'))
    })
  }
  // The reader of a pipe has seen enough.
  process.stdout.on('error', () => process.exit(exitCodeOf('brokenPipe')))
  process.stderr.on('error', () => {})
}

function tell({ code, message, exit }: Failure, command: string, isJson: boolean): void {
  const error = { code, message, exitCode: exitCodeOf(exit) }
  if (isJson) process.stdout.write(`${JSON.stringify({ command, ok: false, error })}\n`)
  else process.stderr.write(`streamctl: ${message}\n`)
}
