import { once } from 'node:events'
import { connect } from 'node:net'
import { createInterface } from 'node:readline'

/** A command that a client has sent, and not a script, with its words. */
const SENT = /^\+?[\d.]+ \[\d+ (?!lua\b)[^\]]+\] "([^"]+)"(.*)$/

export interface Sent {
  command: string
  /** As Redis quotes them. */
  words: string
}

/** All commands that clients send to a Redis from now on. */
export async function monitor(redisUrl: string): Promise<{ commands: readonly Sent[]; stop(): void }> {
  const { hostname, port } = new URL(redisUrl)
  const socket = connect(Number(port), hostname)
  const commands: Sent[] = []
  const lines = createInterface({ input: socket })
  socket.write('MONITOR\r\n')
  await once(lines, 'line')
  lines.on('line', (line) => {
    const [, command, words = ''] = SENT.exec(line) ?? []
    if (command !== undefined) commands.push({ command: command.toUpperCase(), words })
  })
  return { commands, stop: () => socket.destroy() }
}
