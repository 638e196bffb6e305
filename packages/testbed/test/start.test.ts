import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, inject, onTestFinished, test } from 'vitest'
import { asRecord, freePort, Scrape, sendOnce, until, Worker, type WorkerOptions } from '../src/index.ts'

const START = fileURLToPath(new URL('../src/start.ts', import.meta.url))
const README = readFileSync(new URL('../../../README.md', import.meta.url), 'utf8')

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
  const STREAM = `start_${randomUUID().slice(0, 8)}`
  const worker = start({ REDIS_URL: url, STREAM, INTERVAL_MS: '50', WORK_MS: '1' })
  await worker.waitFor(({ msg }) => msg?.includes('acknowledged') === true && msg.includes('result=returned'))
  await worker.waitFor(({ msg }) => /console +the page is served +url=http:/.test(String(msg)))
  expect(worker.lines[0]?.msg).toContain(`listening on ${url}`)
  // In Redis, each has the name that the log gives it.
  const consumers = (await sendOnce(url, ['XINFO', 'CONSUMERS', STREAM, 'user_group'])) as unknown[]
  const names = consumers.map((info) => String(asRecord(info).name)).filter((name) => !name.startsWith('~'))
  for (const name of names) expect(name).toMatch(/^consumer-[123]-\d+(~|$)/)
  expect(names.length).toBeGreaterThan(0)
  worker.kill('SIGTERM')
  expect(await worker.closed()).toBe(0)
  expect(worker.lines.at(-1)?.msg).toContain('everything has stopped')
})

test('the request in the README, made with openssl and curl, is handled, and each process tells how it is', async () => {
  const WEBHOOK_STANDARD_SECRET = `whsec_${Buffer.from('the secret of the standard source').toString('base64')}`
  const ports = await freePorts(5)
  const env = { SIMULATE: 'off', WORK_MS: '1', OPS_PORT: String(ports[0]), WEBHOOK_STANDARD_SECRET }
  const worker = start({ REDIS_URL: inject('redisUrl'), ...env })
  const served = await worker.waitFor(({ msg }) => /webhooks are served/.test(String(msg)))
  const [, port] = /url=http:\/\/0\.0\.0\.0:(\d+)/.exec(String(served.msg)) ?? []
  const script = /```sh\n(body=.*?)```/s.exec(README)?.[1] ?? ''
  expect(script).toContain('http://localhost:3000/')
  const here = script.replace('localhost:3000', `localhost:${port}`)
  const shell = { PATH: process.env.PATH, WEBHOOK_STANDARD_SECRET }
  const { stdout } = await promisify(execFile)('sh', ['-ec', here], { env: shell })
  const { id } = JSON.parse(stdout)
  expect(id).toMatch(/^standard:msg_/)
  await worker.waitFor(({ msg }) => /consumer-. +acknowledged/.test(String(msg)) && String(msg).includes(id))

  for (const port of ports) {
    const isReady = async () => (await fetch(`http://127.0.0.1:${port}/readyz`)).status === 200
    await until(`port ${port} says that it is ready`, isReady, { timeoutMs: 30_000 })
  }
  // The first one is the producer, which alone has the figures of groups.
  const figures = async (port: number) => (await Scrape.of(port)).all('streams_group_lag').length
  expect(await Promise.all(ports.map(figures))).toEqual([1, 0, 0, 0, 0])
  worker.kill('SIGTERM')
  expect(await worker.closed()).toBe(0)
})

/** So many free ports in a row. */
function freePorts(count: number): Promise<number[]> {
  const look = async () => {
    const first = await freePort()
    const ports = Array.from({ length: count }, (_, i) => first + i)
    const servers = ports.map((port) => createServer().listen(port, '127.0.0.1'))
    const areFree = await Promise.all(servers.map((server) => once(server, 'listening'))).then(
      () => true,
      () => false,
    )
    for (const server of servers) server.close()
    return areFree && ports
  }
  return until('ports in a row are free', look, { timeoutMs: 10_000 })
}

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
