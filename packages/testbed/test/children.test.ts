import { randomUUID } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, inject, onTestFinished, test } from 'vitest'
import { GroupView, sendOnce, until, Worker } from '../src/index.ts'

const PARENT = fileURLToPath(new URL('support/parent.ts', import.meta.url))

/** Whether there is such a process, and it is not just waiting to be fetched by its parent. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return !/\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}

test('after a SIGKILL, everything that a process has started ends: services drain, even one that was frozen', async () => {
  const url = inject('redisUrl')
  const STREAM = `children_${randomUUID().slice(0, 8)}`
  const { REDIS_SERVER = '' } = process.env
  const parent = new Worker(PARENT, { REDIS_SERVER, OTHER_REDIS_URL: url, STREAM })
  onTestFinished(() => parent.kill('SIGKILL'))
  const line = await parent.waitFor(({ msg }) => msg === 'started')
  const { redisUrl, pids } = line as unknown as { redisUrl: string; pids: number[] }
  const consumers = () => new GroupView((...command) => sendOnce(url, command), STREAM, 'user_group').consumers()
  const [, folder = ''] = await sendOnce<string[]>(redisUrl, ['CONFIG', 'GET', 'dir'])

  parent.kill('SIGKILL')
  const isRedisGone = () =>
    sendOnce(redisUrl, ['PING']).then(
      () => false,
      () => true,
    )
  const isAllGone = async () => !pids.some(isAlive) && !existsSync(folder) && (await isRedisGone())
  await until('every process and the folder of Redis are gone', isAllGone, { timeoutMs: 30_000 })
  // Those that could leave the group have left it.
  expect((await consumers()).size).toBe(0)
})
