import { once } from 'node:events'
import { connect } from 'node:net'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'

/**
 * How many commands clients send within this time. Counts by MONITOR, which marks what a script calls: INFO commandstats
 * adds that to what clients send. MONITOR costs Redis time, so nothing else should be measured meanwhile.
 * @param windowMs Milliseconds.
 */
export async function countClientCommands(port: number, windowMs: number): Promise<number> {
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  const lines = createInterface({ input: socket })
  socket.write('MONITOR\r\n')
  await once(lines, 'line')
  let count = 0
  lines.on('line', (line) => {
    if (!/^\+[\d.]+ \[\d+ lua\]/.test(line)) count += 1
  })
  await sleep(windowMs)
  socket.destroy()
  return count
}
