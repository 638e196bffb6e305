import { CommanderError } from 'commander'
import { createProgram, pathOf } from './program.ts'
import { exitCodeOf } from './tool/exit-codes.ts'
import { Failure, failureOf } from './tool/failure.ts'
import { interrupt } from './tool/interrupt.ts'
import { endBar } from './tool/progress.ts'

/** A second Ctrl-C ends the program at once; npm may send the first one twice. */
const SECOND_SIGNAL_MS = 1_000

/** Runs one command line. Resolves to the exit code; never rejects. */
export async function run(words: readonly string[]): Promise<number> {
  let command = 'streamctl'
  const isJson = words.includes('--json')
  listen(() => tell(new Failure('interrupted', 'INTERRUPTED', 'stopped early'), command, isJson))
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
    tell(failure, command, isJson)
    return exitCodeOf(failure.exit)
  }
}

/** @param tellStop Called where a signal ends the program in the middle of a command that does not heed it. */
function listen(tellStop: () => void): void {
  let firstAt: number | undefined
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => {
      firstAt ??= performance.now()
      const isHeeded = interrupt()
      if (isHeeded && performance.now() - firstAt <= SECOND_SIGNAL_MS) return
      if (!isHeeded) tellStop()
      process.exit(exitCodeOf('interrupted'))
    })
  }
  // The reader of a pipe has seen enough.
  process.stdout.on('error', () => process.exit(exitCodeOf('brokenPipe')))
  process.stderr.on('error', () => {})
}

function tell({ code, message, exit }: Failure, command: string, isJson: boolean): void {
  // A Ctrl-C may have come in the middle of long work.
  endBar()
  const error = { code, message, exitCode: exitCodeOf(exit) }
  if (isJson) process.stdout.write(`${JSON.stringify({ command, ok: false, error })}\n`)
  else process.stderr.write(`streamctl: ${message}\n`)
}
