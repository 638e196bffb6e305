import inspector from 'node:inspector'
import { Worker } from 'node:worker_threads'

/** How often the event loop shows that it lives, and the thread looks. */
const TICK_MS = 250

// Runs in a thread of its own, as a blocked event loop cannot watch itself. It counts its own looks rather than time:
// a process that was frozen as a whole has not been blocked. Standard error may never take the message: the kill does
// not wait for it.
const THREAD = `
const { workerData: { state, looks, tickMs } } = require('node:worker_threads')
const kill = () => process.kill(process.pid, 'SIGKILL')
let seen = -1, idle = 0
const timer = setInterval(() => {
  const beats = Atomics.load(state, 0), isInspected = Atomics.load(state, 1) === 1
  idle = beats === seen && !isInspected ? idle + 1 : 0
  seen = beats
  if (idle < looks) return
  clearInterval(timer)
  setTimeout(kill, 1_000)
  const text = 'the event loop has been blocked for ' + looks * tickMs + ' ms: killing the process'
  require('node:fs').write(2, text + '\\n', kill)
}, tickMs)
`

/**
 * Kills this process when its event loop has been blocked for `blockedMs`, so that its supervisor starts another. A
 * blocked process loses its leases and takes no more work. A process whose inspector is open is left alone, because it
 * may stand at a breakpoint. A process that is blocked already cannot tell that its inspector has been opened since.
 * Returns a function that ends the watch.
 */
export function startWatchdog(blockedMs: number): () => Promise<void> {
  const state = new Int32Array(new SharedArrayBuffer(8))
  const beat = () => {
    Atomics.add(state, 0, 1)
    Atomics.store(state, 1, inspector.url() === undefined ? 0 : 1)
  }
  beat()
  const workerData = { state, looks: Math.ceil(blockedMs / TICK_MS), tickMs: TICK_MS }
  const thread = new Worker(THREAD, { eval: true, workerData, execArgv: [] })
  const heart = setInterval(beat, TICK_MS)
  return async () => {
    clearInterval(heart)
    await thread.terminate()
  }
}
