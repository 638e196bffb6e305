import type { ChildProcess } from 'node:child_process'
import { rmSync } from 'node:fs'
import { Reaper } from './reaper.ts'

// What this process has started, and must not leave behind however it ends. Children run in process groups of their
// own, so a Ctrl-C does not reach them.
const children = new Set<ChildProcess>()
const folders = new Set<string>()
let reaper: Reaper | undefined

/** One for everything that this process starts. */
function theReaper(): Reaper {
  reaper ??= new Reaper()
  return reaper
}

process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL')
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

/**
 * Ends the process, and with it all it has started, at the first SIGINT, SIGTERM or SIGHUP (a closed terminal), or when
 * nobody reads its output any more. For programs without a drain.
 */
export function endOnSignal(): void {
  process.once('SIGINT', () => process.exit(130))
  process.once('SIGTERM', () => process.exit(143))
  process.once('SIGHUP', () => process.exit(129))
  for (const output of [process.stdout, process.stderr]) output.once('error', () => process.exit(141))
}

/** A child that ends with this process, however this process ends. */
export function ownChild<C extends ChildProcess>(child: C): C {
  const { pid } = child
  // It could not be started: its event `error` says why.
  if (pid === undefined) return child
  children.add(child)
  theReaper().note('started', pid)
  child.once('exit', () => {
    children.delete(child)
    theReaper().note('ended', pid)
  })
  return child
}

/** A temporary folder that is removed at the end of this process, or before by `rmSync`. */
export function ownFolder(folder: string): string {
  folders.add(folder)
  theReaper().note('folder', folder)
  return folder
}
