import { execFile } from 'node:child_process'
import { accessSync, constants, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'

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
  const unpacked = await unpackDebian()
  if (unpacked) return unpacked
  if (await answers('docker', ['info'])) return { kind: 'docker', image: IMAGE }
  throw new NoServerError(CHOICES)
}

function onPath(name: string): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter).filter(Boolean)
  return folders.map((folder) => join(folder, name)).find(isExecutable)
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}

async function answers(command: string, args: string[]): Promise<boolean> {
  return run(command, args, { timeout: 10_000 }).then(
    () => true,
    () => false,
  )
}

/** Downloads and unpacks, with lists and caches of its own, so that nothing of the system's changes; no root needed. */
async function unpackDebian(): Promise<ServerProgram | undefined> {
  const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'redis-streams-processor')
  const home = join(cache, 'redis-server')
  if (existsSync(home)) return programIn(home)
  if (!onPath('apt-get') || !onPath('dpkg')) return undefined

  mkdirSync(cache, { recursive: true })
  const work = mkdtempSync(join(cache, 'unpacking-'))
  try {
    console.error('No Redis server on this machine: unpacking Debian’s into a cache (once, nothing is installed) …')
    for (const folder of ['lists/partial', 'archives/partial', 'debs', 'root'])
      mkdirSync(join(work, folder), { recursive: true })
    const options = [
      `Dir::State::Lists=${work}/lists`,
      `Dir::Cache=${work}`,
      'Acquire::Languages=none',
      'APT::Sandbox::User=',
    ]
    const apt = (tool: string, ...args: string[]) =>
      run(tool, ['-q', ...options.flatMap((option) => ['-o', option]), ...args], {
        cwd: join(work, 'debs'),
        timeout: 120_000,
      })
    await apt('apt-get', 'update')
    for (const packages of [
      ['redis-server', 'redis-tools'],
      ['valkey-server', 'valkey-tools'],
    ]) {
      const names = await withLibraries(apt, packages).catch(() => undefined)
      if (!names) continue
      await apt('apt-get', 'download', ...names)
      for (const deb of readdirSync(join(work, 'debs')))
        await run('dpkg', ['-x', join(work, 'debs', deb), join(work, 'root')])
      renameSync(join(work, 'root'), home)
      return programIn(home)
    }
    return undefined
  } catch {
    return existsSync(home) ? programIn(home) : undefined
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

type Apt = (tool: string, ...args: string[]) => Promise<{ stdout: string }>

/** The packages, and the libraries that they name: every Debian has what these libraries need in turn. */
async function withLibraries(apt: Apt, packages: string[]): Promise<string[]> {
  const { stdout } = await apt('apt-cache', 'depends', ...packages)
  const libraries = [...stdout.matchAll(/^\s*(?:PreDepends|Depends): (lib[\w.+-]+)$/gm)].map(
    (match) => match[1] as string,
  )
  return [...new Set([...packages, ...libraries.filter((name) => name !== 'libc6')])]
}

function programIn(home: string): ServerProgram | undefined {
  const path = NAMES.map((name) => join(home, 'usr/bin', name)).find(isExecutable)
  if (!path) return undefined
  const libraries = ['usr/lib', 'lib'].flatMap((folder) => withSubfolders(join(home, folder)))
  return { kind: 'program', path, env: { LD_LIBRARY_PATH: libraries.join(delimiter) } }
}

function withSubfolders(folder: string): string[] {
  if (!existsSync(folder)) return []
  const inner = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory())
  return [folder, ...inner.map((entry) => join(folder, entry.name))]
}
