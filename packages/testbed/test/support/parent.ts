import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { RedisServer, Worker } from '@redis-streams-processor/testbed'

// Starts a Redis, two consumers, one of them frozen, and a process that ignores SIGTERM; then waits to be killed.
const redis = await RedisServer.start()
const env = { REDIS_URL: process.env.OTHER_REDIS_URL ?? '', STREAM: process.env.STREAM ?? '' }
const stubborn = fileURLToPath(new URL('stubborn.ts', import.meta.url))
const workers = ['consumer', 'consumer', stubborn].map((program) => new Worker(program, env))
await Promise.all(workers.map((worker) => worker.waitFor(({ msg }) => msg === 'consumer started')))
workers[1]?.kill('SIGSTOP')
console.log(JSON.stringify({ msg: 'started', redisUrl: redis.url, pids: workers.map(({ pid }) => pid) }))
await sleep(600_000)
