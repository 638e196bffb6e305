import { once } from 'node:events'
import { connect } from 'node:net'
import { createInterface } from 'node:readline'

/** A command that a client has sent, and not a script. */
const SENT = /^\+?[\d.]+ \[\d+ (?!lua\b)[^\]]+\] "([^"]+)"/

/** The names of all commands that clients send to a Redis from now on. */
export async function monitor(redisUrl: string): Promise<{ commands: readonly string[]; stop(): void }> {
  const { hostname, port } = new URL(redisUrl)
  const socket = connect(Number(port), hostname)
  const commands: string[] = []
  const lines = createInterface({ input: socket })
  socket.write('MONITOR\r\n')
  await once(lines, 'line')
  lines.on('line', (line) => {
    const [, command] = SENT.exec(line) ?? []
    if (command !== undefined) commands.push(command.toUpperCase())
  })
  return { commands, stop: () => socket.destroy() }
}
