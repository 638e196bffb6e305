import { readdirSync } from 'node:fs'
import { freePort } from '@redis-streams-processor/testbed'
import { find, serverFolder, startProgram } from './program.ts'
import type { Server } from './server.ts'

/** The program itself: what Debian has on the PATH runs it as another user. */
const DEBIAN = '/usr/lib/rabbitmq/bin'

export async function startRabbitmq(): Promise<Server> {
  const path = find('rabbitmq-server', { first: [DEBIAN] })
  const [port, distPort, epmdPort, folder] = [await freePort(), await freePort(), await freePort(), serverFolder()]
  // Erlang would start this one itself, and leave it behind.
  const epmd = await startProgram([find('epmd'), '-port', String(epmdPort)], { port: epmdPort })
  const env = {
    ...process.env,
    HOME: folder,
    ERL_EPMD_PORT: String(epmdPort),
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
    version: versionBelow('/usr/lib/rabbitmq/lib'),
    // It is Erlang's, which runs more than one process.
    usage: async () => undefined,
    countClientCommands: async () => undefined,
    async stop() {
      await program.stop()
      await epmd.stop()
    },
  }
}

/** Debian's folder has it in its name; asking the program takes seconds. */
function versionBelow(folder: string): string {
  try {
    return (
      readdirSync(folder)
        .find((name) => name.startsWith('rabbitmq_server-'))
        ?.split('-')[1] ?? 'unknown'
    )
  } catch {
    return 'unknown'
  }
}
