import { type SpawnOptions, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onPath, ownChild, ownFolder, until } from '@redis-streams-processor/testbed'

const START_TIMEOUT_MS = 30_000
/** Of Linux, on all of its platforms. */
const TICKS_PER_SECOND = 100

/** A folder for one server, which is gone at the end of this process at the latest. */
export const serverFolder = (): string => ownFolder(mkdtempSync(join(tmpdir(), 'bench-')))

export interface Program {
  /** CPU time of this one process so far. */
  cpuUs(): number
  /** SIGTERM; resolves once it has ended. Removes the folder, if there is one. */
  stop(): Promise<void>
}

/** A server that is not on this machine. */
export class NoProgramError extends Error {}

/** Looks in folders, on the PATH, and in further folders. @throws {NoProgramError} when it is nowhere. */
export function find(name: string, { first = [], last = [] }: { first?: string[]; last?: string[] } = {}): string {
  const inFolder = (folders: string[]) => folders.map((folder) => join(folder, name)).find(existsSync)
  const path = inFolder(first) ?? onPath(name) ?? inFolder(last)
  if (path === undefined) throw new NoProgramError(`no ${name} on the PATH`)
  return path
}

/** Starts a server; resolves once it listens. */
export async function startProgram(
  [path, ...args]: readonly [string, ...string[]],
  { port, folder, ...options }: SpawnOptions & { port: number; folder?: string },
): Promise<Program> {
  const child = ownChild(spawn(path, args, { stdio: ['ignore', 'ignore', 'pipe'], detached: true, ...options }))
  let output = ''
  child.stderr?.on('data', (chunk) => {
    output = (output + chunk).slice(-2_000)
  })
  const ended = new AbortController()
  child.once('error', (error) => ended.abort(error))
  child.once('exit', () => ended.abort(new Error(`${path} ended:\n${output}`)))
  await until(`${path} listens`, () => listens(port), { timeoutMs: START_TIMEOUT_MS, signal: ended.signal })
  return {
    cpuUs: () => cpuOf(child.pid as number),
    async stop() {
      if (!ended.signal.aborted) {
        const exited = once(child, 'exit')
        child.kill('SIGTERM')
        await exited
      }
      if (folder) rmSync(folder, { recursive: true, force: true })
    },
  }
}

async function listens(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  socket.destroy()
  return true
}

function cpuOf(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
  // The name of the program may hold spaces; it ends with the last bracket.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return ((Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND) * 1_000_000
}
