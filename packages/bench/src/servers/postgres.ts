import { execFile } from 'node:child_process'
import { chmodSync, chownSync, existsSync, readdirSync } from 'node:fs'
import { promisify } from 'node:util'
import { freePort } from '@redis-streams-processor/testbed'
import { find, serverFolder, startProgram } from './program.ts'
import type { Server } from './server.ts'

const run = promisify(execFile)
const DEBIAN = '/usr/lib/postgresql'

export async function startPostgres(): Promise<Server> {
  const folders = existsSync(DEBIAN) ? readdirSync(DEBIAN).map((version) => `${DEBIAN}/${version}/bin`) : []
  const [postgres, initdb] = [find('postgres', { last: folders }), find('initdb', { last: folders })]
  const { stdout } = await run(postgres, ['--version'])
  const [port, folder] = [await freePort(), serverFolder()]
  const user = await ownerFor(folder)
  await run(initdb, ['-D', folder, '-U', 'bench', '-A', 'trust', '--no-sync'], { cwd: folder, ...user })
  // As little is kept as of the others: what is written need not reach the disk.
  const settings = ['fsync=off', 'synchronous_commit=off', 'full_page_writes=off', 'unix_socket_directories=']
  const options = ['-h', '127.0.0.1', '-p', String(port), ...settings.flatMap((setting) => ['-c', setting])]
  const program = await startProgram([postgres, '-D', folder, ...options], { port, folder, cwd: folder, ...user })
  return {
    url: `postgres://bench@127.0.0.1:${port}/postgres`,
    program: 'postgres',
    version: stdout.match(/([\d.]+)/)?.[1] ?? 'unknown',
    // Each connection is a process of its own.
    usage: async () => undefined,
    countClientCommands: async () => undefined,
    stop: () => program.stop(),
  }
}

/** Postgres refuses to run as root: then it runs as the user that its package has made, who gets the folder. */
async function ownerFor(folder: string): Promise<{ uid?: number; gid?: number }> {
  if (process.getuid?.() !== 0) return {}
  const id = async (flag: string) => Number((await run('id', [flag, 'postgres'])).stdout)
  const [uid, gid] = [await id('-u'), await id('-g')]
  chownSync(folder, uid, gid)
  chmodSync(folder, 0o700)
  return { uid, gid }
}
