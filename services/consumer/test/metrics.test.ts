import { randomUUID } from 'node:crypto'
import { userEvents } from '@redis-streams-processor/events'
import { createProducer, inspectStream } from '@redis-streams-processor/streams-core'
import { GroupView, Scrape, sendOnce, until, Worker } from '@redis-streams-processor/testbed'
import { expect, inject, onTestFinished, test } from 'vitest'

const GROUP = 'user_group'
const soon = <T>(what: string, look: () => T | Promise<T>) => until(what, look, { timeoutMs: 40_000 })

/** One test's stream, and what works on it. */
function stage() {
  const redis = inject('redisUrl')
  const STREAM = `service_${randomUUID().slice(0, 8)}`
  function start(service: 'consumer' | 'producer', env: Record<string, string>): Worker {
    const worker = new Worker(service, {
      REDIS_URL: redis,
      STREAM,
      HTTP_PORT: '0',
      LEASE_MS: '1000',
      BLOCK_MS: '100',
      ...env,
    })
    onTestFinished(async () => {
      worker.kill('SIGKILL')
      await worker.exited()
    })
    return worker
  }
  const producer = createProducer(userEvents(STREAM), { redis })
  onTestFinished(() => producer.close())
  const publish = (events: number) =>
    Promise.all(Array.from({ length: events }, () => producer.publish('user.deleted', { userId: 'user_1' })))
  const view = new GroupView((...command) => sendOnce(redis, command), STREAM, GROUP)
  const group = async () => (await inspectStream({ name: STREAM }, { redis })).groups[0]
  const append = (fields: string[]) => sendOnce(redis, ['XADD', STREAM, '*', ...fields])
  return { start, publish, append, view, group }
}

const scrape = async (worker: Worker) => Scrape.of(await worker.opsPort())

async function sumOf(workers: readonly Worker[], name: string, labels?: Record<string, string>): Promise<number> {
  const scrapes = await Promise.all(workers.map(scrape))
  return scrapes.reduce((sum, one) => sum + (one.sum(name, labels) ?? 0), 0)
}

test('while a consumer is killed, metrics say what Redis says', async () => {
  const { start, publish, view, group } = stage()
  const victim = start('consumer', { CONSUMER: 'victim', WORK_MS: '3600000', CONCURRENCY: '8' })
  await victim.waitFor(({ msg }) => msg === 'consumer started')
  await publish(300)
  await soon('the victim is full', async () => (await scrape(victim)).sum('streams_held_entries', { state: 'running' }))
  const held = (await view.heldBy('victim')).length
  await soon('the victim says so', async () => (await scrape(victim)).sum('streams_held_entries') === held)
  expect((await scrape(victim)).sum('streams_concurrency')).toBe(8)
  expect((await scrape(victim)).sum('streams_settled_total')).toBe(0)

  const survivors = [1, 2].map(() => start('consumer', { WORK_MS: '1' }))
  // The one that exports the figures of the group. Its own event comes on top.
  const producer = start('producer', { INTERVAL_MS: '3600000' })
  await producer.waitFor(({ msg }) => msg === 'published')
  await soon('only the victim holds something', async () => (await view.state()).openWork === held)
  const before = await scrape(producer)
  expect(before.sum('streams_group_pending', { group: GROUP })).toBe(held)
  expect(before.sum('streams_group_lag', { group: GROUP })).toBe(0)
  victim.kill('SIGKILL')
  await soon('nothing is left to do', async () => (await view.state()).openWork === 0)
  await soon('the survivors hold nothing', async () => (await sumOf(survivors, 'streams_held_entries')) === 0)

  expect(await sumOf(survivors, 'streams_settled_total', { outcome: 'ack', group: GROUP })).toBe(301)
  expect(await sumOf(survivors, 'streams_settled_total')).toBe(301)
  expect(await sumOf(survivors, 'streams_claimed_total', { reason: 'lease-over', group: GROUP })).toBe(held)
  expect(await sumOf(survivors, 'streams_claimed_total')).toBe(held)
  expect(await sumOf(survivors, 'streams_handler_duration_seconds_count', { type: 'user.deleted' })).toBe(300)
  expect(await sumOf(survivors, 'streams_delivery_age_seconds_count', { attempt: 'later' })).toBe(held)
  expect(await sumOf(survivors, 'streams_leases_lost_total')).toBe(0)
  expect((await scrape(producer)).sum('streams_published_total', { result: 'appended' })).toBe(1)
  const isAtRest = async () => (await scrape(producer)).sum('streams_group_pending') === 0
  await soon('the figures of the group are fresh', isAtRest)
  expect(await group()).toMatchObject({ lag: 0, pending: 0, oldestUnhandledMs: 0 })
  expect((await scrape(producer)).sum('streams_group_oldest_unhandled_seconds')).toBe(0)
})

test('a frozen consumer counts the leases that it has lost', async () => {
  const { start, publish, view } = stage()
  const frozen = start('consumer', { CONSUMER: 'frozen', WORK_MS: '3000', CONCURRENCY: '4' })
  await frozen.waitFor(({ msg }) => msg === 'consumer started')
  await publish(4)
  await soon('it is full', async () => (await view.heldBy('frozen')).length === 4)
  await soon(
    'its handlers run',
    async () => (await scrape(frozen)).sum('streams_held_entries', { state: 'running' }) === 4,
  )
  frozen.kill('SIGSTOP')
  const heir = start('consumer', { WORK_MS: '1' })
  await soon('the heir has handled all', async () => (await view.state()).openWork === 0)
  frozen.kill('SIGCONT')
  await soon('4 leases are lost', async () => (await scrape(frozen)).sum('streams_leases_lost_total') === 4)
  expect((await scrape(frozen)).sum('streams_settled_total', { outcome: 'abandon' })).toBe(4)
  expect((await scrape(heir)).sum('streams_settled_total', { outcome: 'ack' })).toBe(4)
})

test('retries and dead letters; a type that the stream does not know is counted as other', async () => {
  const { start, publish, append, view, group } = stage()
  await publish(1)
  // Of these, the third user's always fail.
  const producer = start('producer', { INTERVAL_MS: '1', USERS: '3' })
  const env = { WORK_MS: '1', RETRY_BASE_MS: '1', RETRY_MAX_MS: '2', MAX_DELIVERIES: '2' }
  const consumer = start('consumer', env)
  await consumer.waitFor(({ msg }) => msg === 'consumer started')
  await append(['id', 'a', 'type', 'drop table', 'source', '/', 'time', '2026-01-01T00:00:00Z', 'data', '{}'])
  const deadOf = async (type?: string) =>
    (await scrape(consumer)).sum('streams_settled_total', { outcome: 'dead-letter', ...(type && { type }) })
  await soon('some events are dead letters', async () => Number(await deadOf()) > 5 && (await deadOf('other')) === 1)
  await producer.stop()
  await soon('nothing is left to do', async () => (await view.state()).openWork === 0)
  await soon('it holds nothing', async () => (await scrape(consumer)).sum('streams_held_entries') === 0)
  const newest = await scrape(consumer)
  const dead = (await group())?.deadLetters
  expect(newest.sum('streams_settled_total', { outcome: 'dead-letter' })).toBe(dead)
  // Each of them failed once before, but the one that could not be decoded.
  expect(newest.sum('streams_settled_total', { outcome: 'retry' })).toBe(Number(dead) - 1)
  expect(newest.sum('streams_claimed_total', { reason: 'due' })).toBe(Number(dead) - 1)
  expect(newest.sum('streams_handler_duration_seconds_count', { type: 'other' })).toBe(0)
  expect(newest.all('streams_settled_total', { type: 'drop table' })).toEqual([])
})
