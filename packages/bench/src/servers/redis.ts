import { once } from 'node:events'
import { connect } from 'node:net'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { RedisServer, sendOnce } from '@redis-streams-processor/testbed'
import type { Server } from './server.ts'

/** For every contestant that runs on Redis: nothing is written to disk. */
export const OPTIONS = ['--appendonly', 'no']

export async function startRedisServer(): Promise<Server> {
  const redis = await RedisServer.start(OPTIONS)
  const info = await sendOnce<string>(redis.url, ['INFO', 'server'])
  const field = (name: string) => info.match(new RegExp(`^${name}:(\\S+)`, 'm'))?.[1]
  return {
    url: redis.url,
    program: field('server_name') ?? 'redis-server',
    version: field('valkey_version') ?? field('redis_version') ?? 'unknown',
    async usage() {
      const info = await sendOnce<string>(redis.url, ['INFO', 'everything'])
      const number = (name: string) => Number(info.match(new RegExp(`^${name}:([\\d.]+)`, 'm'))?.[1])
      const cpuSeconds = number('used_cpu_user') + number('used_cpu_sys')
      return { cpuUs: cpuSeconds * 1_000_000, commands: number('total_commands_processed') }
    },
    countClientCommands: (windowMs) => countMonitored(redis.port, windowMs),
    stop: () => redis.stop(),
  }
}

/**
 * Counts by MONITOR, which marks what a script calls: INFO commandstats adds that to what clients send. MONITOR costs
 * Redis time, so nothing else is measured meanwhile.
 */
async function countMonitored(port: number, windowMs: number): Promise<number> {
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
