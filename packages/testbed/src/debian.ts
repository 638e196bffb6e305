import { execFile } from 'node:child_process'
import { accessSync, constants, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/**
 * Downloads and unpacks the first of these choices of packages that there is, with lists and caches of its own, so that
 * nothing of the system's changes; no root needed. Returns the folder, or undefined where that is not possible.
 */
export async function unpackDebian(name: string, choices: string[][]): Promise<string | undefined> {
  const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'redis-streams-processor')
  const home = join(cache, name)
  if (existsSync(home)) return home
  if (!onPath('apt-get') || !onPath('dpkg')) return undefined

  mkdirSync(cache, { recursive: true })
  const work = mkdtempSync(join(cache, 'unpacking-'))
  try {
    console.error(`No ${name} on this machine: unpacking Debian’s into a cache (once, nothing is installed) …`)
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
    for (const packages of choices) {
      const names = await withLibraries(apt, packages).catch(() => undefined)
      if (!names) continue
      await apt('apt-get', 'download', ...names)
      for (const deb of readdirSync(join(work, 'debs')))
        await run('dpkg', ['-x', join(work, 'debs', deb), join(work, 'root')])
      renameSync(join(work, 'root'), home)
      return home
    }
    return undefined
  } catch {
    return existsSync(home) ? home : undefined
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

/** The path of a program that is on the PATH. */
export function onPath(name: string): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter).filter(Boolean)
  return folders.map((folder) => join(folder, name)).find(isExecutable)
}

/** Whether there is such a file, and it may be run. */
export function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** A folder and those directly in it. */
export function foldersBelow(folder: string): string[] {
  if (!existsSync(folder)) return []
  const inner = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory())
  return [folder, ...inner.map((entry) => join(folder, entry.name))]
}
