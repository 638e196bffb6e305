import { randomUUID } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { expect, inject, onTestFinished, test } from 'vitest'
import { Worker, type WorkerOptions } from '../src/index.ts'

const START = fileURLToPath(new URL('../src/start.ts', import.meta.url))

function start(env: Record<string, string>, options?: WorkerOptions): Worker {
  const worker = new Worker(
    START,
    { STREAM: `start_${randomUUID().slice(0, 8)}`, HTTP_PORT: '0', CONSOLE_PORT: '0', ...env },
    options,
  )
  onTestFinished(() => worker.kill('SIGKILL'))
  return worker
}

test('it names Redis, says how each handler ended, and drains at SIGTERM', async () => {
  const url = inject('redisUrl')
  const worker = start({ REDIS_URL: url, INTERVAL_MS: '50', WORK_MS: '1' })
  await worker.waitFor(({ msg }) => msg?.includes('acknowledged') === true && msg.includes('result=returned'))
  await worker.waitFor(({ msg }) => /console +the page is served +url=http:/.test(String(msg)))
  expect(worker.lines[0]?.msg).toContain(`listening on ${url}`)
  worker.kill('SIGTERM')
  expect(await worker.closed()).toBe(0)
  expect(worker.lines.at(-1)?.msg).toContain('everything has stopped')
})

test('without the console, the others go on', async () => {
  const worker = start({ REDIS_URL: inject('redisUrl'), INTERVAL_MS: '50', WORK_MS: '1', CONSOLE_TOKEN: 'short' })
  await worker.waitFor(({ msg }) => /console .*CONSOLE_TOKEN: expected/.test(String(msg)))
  const seen = worker.lines.length
  await worker.waitFor((line) => /acknowledged/.test(String(line.msg)) && worker.lines.indexOf(line) >= seen)
  worker.kill('SIGTERM')
  expect(await worker.closed()).toBe(0)
})

test('when nobody reads its lines any more, it stops and says nothing', async () => {
  const worker = start({ REDIS_URL: inject('redisUrl') }, { stdout: 'closed' })
  expect(await worker.closed()).toBe(0)
  expect(worker.lines).toEqual([])
})

test.each([
  [{ REDIS_URL: 'redis://:s3cret@127.0.0.1:1' }, 'Redis answers at REDIS_URL: not within 5 s: connect ECONNREFUSED'],
  [{ REDIS_SERVER: '/nope' }, '/nope is no Redis server that can be started: spawn /nope ENOENT'],
  [{ REDIS_SERVER: '/bin/true' }, '/bin/true is no Redis server that can be started: it ended'],
])('%o: one line says that there is no Redis, exit code 1', async (env, message) => {
  const worker = start(env)
  expect(await worker.closed()).toBe(1)
  expect(worker.lines).toEqual([{ msg: expect.stringContaining(message) }])
})
