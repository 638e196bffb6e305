import { spawn } from 'node:child_process'
import type { Socket } from 'node:net'

/** How long what is left has to end after SIGTERM, before SIGKILL. */
const GRACE_MS = 5_000
const LOOK_MS = 50

// Runs as a process of its own. Its standard input ends when the process that has started it is gone.
const PROGRAM = `
const { rmSync } = require('node:fs')
const pids = new Set(), folders = new Set()
const notes = {
  started: (pid) => pids.add(pid),
  ended: (pid) => pids.delete(pid),
  folder: (path) => folders.add(path),
}
const signal = (name) => {
  for (const pid of pids) {
    try { process.kill(pid, name) } catch { pids.delete(pid) }
  }
}
const lines = require('node:readline').createInterface({ input: process.stdin })
lines.on('line', (line) => {
  const [note, what] = JSON.parse(line)
  notes[note](what)
})
lines.on('close', () => {
  signal('SIGTERM')
  signal('SIGCONT')
  const until = performance.now() + ${GRACE_MS}
  const look = setInterval(() => {
    signal(performance.now() < until ? 0 : 'SIGKILL')
    if (pids.size > 0 && performance.now() < until) return
    clearInterval(look)
    for (const folder of folders) rmSync(folder, { recursive: true, force: true })
  }, ${LOOK_MS})
})
`

/**
 * Ends what this process has started, and removes its folders, when this process itself no longer can: after a SIGKILL.
 * First SIGTERM, so that a service drains; SIGKILL follows.
 */
export class Reaper {
  readonly #input: Socket

  constructor() {
    const child = spawn(process.execPath, ['-e', PROGRAM], { stdio: ['pipe', 'ignore', 'ignore'], detached: true })
    this.#input = child.stdin as Socket
    // Without it nothing is worse than a folder or a process too many; and this process need not wait for it.
    child.on('error', () => {})
    this.#input.on('error', () => {})
    child.unref()
    this.#input.unref()
  }

  note(...note: ['started' | 'ended', pid: number] | ['folder', path: string]): void {
    this.#input.write(`${JSON.stringify(note)}\n`)
  }
}
