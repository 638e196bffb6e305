import { readFileSync } from 'node:fs'
import { RedisServer, sendOnce } from '@redis-streams-processor/testbed'
import { expect, onTestFinished, test } from 'vitest'

const operations = readFileSync(new URL('../../../docs/operations.md', import.meta.url), 'utf8')

/** What KEDA asks Redis for by its two triggers, and when it connects. */
const ASKED = [['PING'], ['INFO'], ['XINFO', 'GROUPS', 'user_events'], ['XPENDING', 'user_events', 'user_group']]

test('the user of docs/operations.md for KEDA may ask what KEDA asks, and change nothing', async () => {
  const [line = ''] = /^ACL SETUSER scaler .*$/m.exec(operations) ?? []
  const redis = await RedisServer.start()
  onTestFinished(() => redis.stop())
  await sendOnce(redis.url, ['XGROUP', 'CREATE', 'user_events', 'user_group', '0', 'MKSTREAM'])
  await sendOnce(redis.url, line.split(' '))
  const url = redis.url.replace('redis://', 'redis://scaler:secret@')
  for (const command of ASKED) await sendOnce(url, command)
  for (const command of [
    ['XADD', 'user_events', '*', 'a', 'b'],
    ['XACK', 'user_events', 'user_group', '1-1'],
    ['XRANGE', 'user_events', '-', '+'],
    ['XLEN', 'other_events'],
  ])
    await expect(sendOnce(url, command), command.join(' ')).rejects.toThrow('NOPERM')
})
