import type { ChildProcess } from 'node:child_process'
import { rmSync } from 'node:fs'

// What this process has started, and must not leave behind however it ends. Children run in process groups of their
// own, so a Ctrl-C does not reach them.
const children = new Set<ChildProcess>()
const folders = new Set<string>()

process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL')
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

/**
 * Ends the process, and with it all it has started, at the first SIGINT, SIGTERM or SIGHUP (a closed terminal). For
 * programs without a drain.
 */
export function endOnSignal(): void {
  process.once('SIGINT', () => process.exit(130))
  process.once('SIGTERM', () => process.exit(143))
  process.once('SIGHUP', () => process.exit(129))
}

export function ownChild<C extends ChildProcess>(child: C): C {
  children.add(child)
  child.once('exit', () => children.delete(child))
  return child
}

/** A temporary folder that is removed at the end of this process, or before by `rmSync`. */
export function ownFolder(folder: string): string {
  folders.add(folder)
  return folder
}
