import { Worker } from 'node:worker_threads'

/** How often the event loop shows that it lives, and the thread looks. */
const TICK_MS = 250

// Runs in a thread of its own, as a blocked event loop cannot watch itself. It counts its own looks rather than time:
// a process that was frozen as a whole has not been blocked.
const THREAD = `
const { workerData: { beats, looks, tickMs } } = require('node:worker_threads')
let seen = -1, idle = 0
setInterval(() => {
  const now = Atomics.load(beats, 0)
  idle = now === seen ? idle + 1 : 0
  seen = now
  if (idle >= looks) {
    const text = 'the event loop has been blocked for ' + looks * tickMs + ' ms: killing the process'
    require('node:fs').writeSync(2, text + '\\n')
    process.kill(process.pid, 'SIGKILL')
  }
}, tickMs)
`

/**
 * Kills this process when its event loop has been blocked for `blockedMs`, so that its supervisor starts another. A
 * blocked process loses its leases and takes no more work. Returns a function that ends the watch.
 */
export function startWatchdog(blockedMs: number): () => Promise<void> {
  const beats = new Int32Array(new SharedArrayBuffer(4))
  const workerData = { beats, looks: Math.ceil(blockedMs / TICK_MS), tickMs: TICK_MS }
  const thread = new Worker(THREAD, { eval: true, workerData, execArgv: [] })
  const heart = setInterval(() => Atomics.add(beats, 0, 1), TICK_MS)
  return async () => {
    clearInterval(heart)
    await thread.terminate()
  }
}
