import { expect, test } from 'vitest'
import { RedisServer } from '../src/redis-server.ts'
import { sendOnce } from '../src/send-once.ts'

test('a Redis that writes its first append-only file refuses to end, and is stopped all the same', async () => {
  const redis = await RedisServer.start(['--appendonly', 'no'])
  // Enough that writing takes a while.
  await sendOnce(redis.url, ['EVAL', "for i = 1, 500000 do redis.call('SET', 'key' .. i, i) end", '0'])
  await sendOnce(redis.url, ['CONFIG', 'SET', 'appendonly', 'yes'])
  await redis.stop()
  await expect(sendOnce(redis.url, ['PING'])).rejects.toThrow()
})
