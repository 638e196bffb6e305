import { Worker } from 'node:worker_threads'
import { createHandlers as createSampleHandlers } from '../../src/handlers.ts'

// Handlers that stop at a breakpoint. The debugger is a thread: it lets them stop for STOP_MS, and then go on.

const DEBUGGER = `
const { Session } = require('node:inspector')
const session = new Session()
session.connectToMainThread()
session.post('Debugger.enable')
session.on('Debugger.paused', () => {
  require('node:fs').writeSync(1, '{"msg":"stopped at a breakpoint"}\\n')
  setTimeout(() => session.post('Debugger.resume', () => session.disconnect()), Number(process.env.STOP_MS))
})
setInterval(() => {}, 60_000)
`

export function createHandlers(workMs: number): ReturnType<typeof createSampleHandlers> {
  new Worker(DEBUGGER, { eval: true, execArgv: [] }).unref()
  const stop = () => {
    // biome-ignore lint/suspicious/noDebugger: This is the breakpoint.
    debugger
  }
  const handlers = createSampleHandlers(workMs)
  const types = Object.keys(handlers)
  return Object.fromEntries(types.map((type) => [type, stop])) as unknown as typeof handlers
}
