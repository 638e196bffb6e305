import { fileURLToPath } from 'node:url'
import { Worker, type WorkerOptions } from '@redis-streams-processor/testbed'
import { expect, onTestFinished, test, vi } from 'vitest'

// Each test starts a process.
vi.setConfig({ testTimeout: 30_000 })

const CHATTY = fileURLToPath(new URL('../support/chatty.ts', import.meta.url))

function chatty(lines: number, env: Record<string, string> = {}, options?: WorkerOptions): Worker {
  const worker = new Worker(CHATTY, { LINES: String(lines), ...env }, options)
  onTestFinished(() => worker.kill('SIGKILL'))
  return worker
}

test.each([
  ['exit', 0],
  ['throw', 1],
] as const)('a process that ends by %s has written every line, in order, up to the last one', async (ENDING, code) => {
  const worker = chatty(5_000, { ENDING })
  expect(await worker.closed()).toBe(code)
  const numbers = worker.lines.filter(({ msg }) => msg === 'line').map(({ n }) => n)
  expect(numbers).toEqual(Array.from({ length: 5_000 }, (_, n) => n))
})

test('a warning is written at once, and every line before it: not even a SIGKILL takes them back', async () => {
  const worker = chatty(3, { ENDING: 'kill' })
  await worker.closed()
  expect(worker.lines.map(({ msg }) => msg)).toEqual(['line', 'line', 'line', 'the end'])
})

test('only so many lines wait for a reader: those beyond are lost, and the process ends all the same', async () => {
  const worker = chatty(50_000, {}, { stdout: 'unread' })
  expect(await worker.closed()).toBe(0)
  expect(worker.lines.map(({ msg }) => msg)).toEqual([
    'Log lines are lost, because standard output does not take them: it is not read',
  ])
})

test('standard error that takes nothing either stops nothing', async () => {
  const worker = chatty(10, {}, { stdout: { file: '/dev/full' }, stderr: { file: '/dev/full' } })
  expect(await worker.closed()).toBe(0)
})
