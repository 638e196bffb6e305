import { execFile } from 'node:child_process'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { foldersBelow, isExecutable, onPath, unpackDebian } from './debian.ts'

const run = promisify(execFile)

/** How to start a Redis server here. */
export type ServerProgram =
  | { kind: 'program'; path: string; env: NodeJS.ProcessEnv }
  | { kind: 'docker'; image: string }

/** There is no Redis to work with. The message is for a person, who can mend it. */
export class NoServerError extends Error {
  override readonly name = 'NoServerError'
}

/** For programs: without a server, one clear message and exit code 1. @throws every other error. */
export function endWithoutServer(error: unknown): never {
  if (!(error instanceof NoServerError)) throw error
  console.error(error.message)
  process.exit(1)
}

const NAMES = ['redis-server', 'valkey-server']
const IMAGE = 'redis:8.6'

const CHOICES = `No Redis server found. Any one of these will do:
  - set REDIS_URL to a Redis that is running, e.g. REDIS_URL=redis://127.0.0.1:6379
  - put redis-server or valkey-server on the PATH, e.g. apt install redis-server, or brew install redis
  - on Debian and Ubuntu: let apt-get reach a mirror; the packages are unpacked into a cache, not installed
  - start Docker, which then runs ${IMAGE}`

/**
 * Finds a server program: REDIS_SERVER, the PATH, Debian's packages unpacked into a cache of the user's, Docker.
 * @throws {NoServerError} listing the choices.
 */
export async function findServerProgram(): Promise<ServerProgram> {
  const named = process.env.REDIS_SERVER
  if (named) return { kind: 'program', path: named, env: {} }
  const path = NAMES.map(onPath).find((found) => found !== undefined)
  if (path) return { kind: 'program', path, env: {} }
  const home = await unpackDebian('redis-server', [
    ['redis-server', 'redis-tools'],
    ['valkey-server', 'valkey-tools'],
  ])
  const unpacked = home && programIn(home)
  if (unpacked) return unpacked
  if (await answers('docker', ['info'])) return { kind: 'docker', image: IMAGE }
  throw new NoServerError(CHOICES)
}

async function answers(command: string, args: string[]): Promise<boolean> {
  return run(command, args, { timeout: 10_000 }).then(
    () => true,
    () => false,
  )
}

function programIn(home: string): ServerProgram | undefined {
  const path = NAMES.map((name) => join(home, 'usr/bin', name)).find(isExecutable)
  if (!path) return undefined
  const libraries = ['usr/lib', 'lib'].flatMap((folder) => foldersBelow(join(home, folder)))
  return { kind: 'program', path, env: { LD_LIBRARY_PATH: libraries.join(delimiter) } }
}
