import { freePort } from '@redis-streams-processor/testbed'
import { find, serverFolder, startProgram } from './program.ts'
import type { Server } from './server.ts'

export async function startRabbitmq(): Promise<Server> {
  const path = find('rabbitmq-server', ['/usr/lib/rabbitmq/bin'])
  const [port, distPort, folder] = [await freePort(), await freePort(), serverFolder()]
  const env = {
    ...process.env,
    HOME: folder,
    RABBITMQ_NODENAME: `bench${port}@localhost`,
    RABBITMQ_NODE_IP_ADDRESS: '127.0.0.1',
    RABBITMQ_NODE_PORT: String(port),
    RABBITMQ_DIST_PORT: String(distPort),
    RABBITMQ_MNESIA_BASE: folder,
    RABBITMQ_LOG_BASE: folder,
    RABBITMQ_ENABLED_PLUGINS_FILE: `${folder}/plugins`,
  }
  const program = await startProgram([path], { port, folder, env })
  return {
    url: `amqp://127.0.0.1:${port}`,
    program: 'rabbitmq-server',
    version: 'unknown',
    usage: async () => undefined,
    countClientCommands: async () => undefined,
    stop: () => program.stop(),
  }
}
