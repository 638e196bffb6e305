import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { once } from 'node:events'

export interface ShellOptions {
  cwd: string
  env: NodeJS.ProcessEnv
  timeoutMs: number
  signal?: AbortSignal
}

/** A command in a process group of its own: a Ctrl-C on the terminal is for the drill, which then ends its commands. */
export function start(command: readonly string[], options: Pick<SpawnOptions, 'cwd' | 'env'>): ChildProcess {
  const [program = '', ...args] = command
  return spawn(program, args, { ...options, detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
}

export function end(child: ChildProcess): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  try {
    process.kill(-child.pid, 'SIGTERM')
  } catch {
    // It ended by itself just now.
  }
}

/** Runs a command to its end, and returns what it wrote to standard output. @throws with what it wrote otherwise. */
export async function shell(command: readonly string[], options: ShellOptions): Promise<string> {
  const { timeoutMs, signal, ...rest } = options
  signal?.throwIfAborted()
  const child = start(command, rest)
  const output: string[] = []
  const complaints: string[] = []
  child.stdout?.setEncoding('utf8').on('data', (text) => output.push(text))
  child.stderr?.setEncoding('utf8').on('data', (text) => complaints.push(text))
  let isLate = false
  const stop = () => end(child)
  const timer = setTimeout(() => {
    isLate = true
    stop()
  }, timeoutMs)
  signal?.addEventListener('abort', stop)
  try {
    const [code] = await once(child, 'close')
    signal?.throwIfAborted()
    if (code === 0 && !isLate) return output.join('')
    const how = isLate ? `took longer than ${timeoutMs / 1_000} s` : `ended with ${code}`
    const last = `${complaints.join('')}${output.join('')}`.trim().split('\n').slice(-60).join('\n')
    throw new Error(`${command.join(' ')} ${how}:\n${last}`)
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', stop)
  }
}
