import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { freePort } from '@redis-streams-processor/testbed'
import { find, serverFolder, startProgram } from './program.ts'
import type { Server } from './server.ts'

export async function startNats(): Promise<Server> {
  const path = find('nats-server', { last: ['/usr/sbin'] })
  const { stdout } = await promisify(execFile)(path, ['--version'])
  const [port, folder] = [await freePort(), serverFolder()]
  const command = [path, '-a', '127.0.0.1', '-p', String(port), '-js', '-sd', folder] as const
  const program = await startProgram(command, { port, folder })
  return {
    url: `nats://127.0.0.1:${port}`,
    program: 'nats-server',
    version: stdout.match(/v(\d\S*)/)?.[1] ?? 'unknown',
    // It has no commands that could be counted.
    usage: async () => ({ cpuUs: program.cpuUs(), commands: undefined }),
    countClientCommands: async () => undefined,
    stop: () => program.stop(),
  }
}
