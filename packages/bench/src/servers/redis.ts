import { countClientCommands, RedisServer, sendOnce } from '@redis-streams-processor/testbed'
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
    countClientCommands: (windowMs) => countClientCommands(redis.port, windowMs),
    stop: () => redis.stop(),
  }
}
