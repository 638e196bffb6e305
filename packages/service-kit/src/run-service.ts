import { InvalidOptionError, RedisRefusedError } from '@redis-streams-processor/streams-core'
import { SettingsError } from './settings-error.ts'

/** A Ctrl-C may arrive twice, from the terminal and from npm: a second signal counts only after this. */
const SECOND_SIGNAL_MS = 1_000

/**
 * Aborted by the first SIGTERM, SIGINT or SIGHUP (a closed terminal). Another one, more than a second later, ends the
 * process with exit code 130.
 */
export function stopSignal(): AbortSignal {
  const controller = new AbortController()
  let firstAt: number | undefined
  for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    process.on(name, () => {
      firstAt ??= performance.now()
      controller.abort()
      if (performance.now() - firstAt > SECOND_SIGNAL_MS) process.exit(130)
    })
  }
  return controller.signal
}

/**
 * Runs a service to its end. The signal is caught before anything else is done: as the first process of a container,
 * Node would ignore it. Exit code 0 after a drain, 1 with one readable message after an error.
 */
export async function runService(work: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const signal = stopSignal()
  // What can no longer be told, because the terminal or the reader of a pipe is gone, must not end the work.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})
  try {
    await work(signal)
  } catch (error) {
    process.exitCode = 1
    if (error instanceof SettingsError || error instanceof InvalidOptionError)
      console.error(`Wrong settings:\n${error.message}`)
    else if (error instanceof RedisRefusedError) console.error(`Redis refused: ${error.message}`)
    else console.error(error)
  }
  // A handler that was left behind must not keep the process: everything is written by now.
  process.exit()
}
