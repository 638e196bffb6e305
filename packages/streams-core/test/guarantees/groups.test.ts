import { describe, expect } from 'vitest'
import { GroupAtWorkError, openGroups, reject } from '../../src/index.ts'
import { range } from '../support/events.ts'
import { GROUP, type Lab, test } from '../support/lab.ts'
import { latch } from '../support/latch.ts'

const LEASE_MS = 3_000

const publish = (lab: Lab, count: number) => {
  const producer = lab.producer()
  return Promise.all(range(count).map((n) => producer.publish('counted', { n })))
}

/** Keys that are derived from the stream; without those of publishes, and without locks, which expire by themselves. */
async function keysOf(lab: Lab) {
  const keys = await lab.send<string[]>('KEYS', `{${lab.streamName}}:*`)
  return keys.map((key) => key.slice(lab.streamName.length + 3)).filter((key) => !/^dedupe|^lock|:scan/.test(key))
}

/** One of each: acknowledged, dead, parked, held by a dead consumer, unread. */
async function leaveOneOfEach(lab: Lab) {
  const consumer = await lab.consumer({
    ...{ leaseMs: LEASE_MS, concurrency: 1, maxBuffered: 0, retry: { delayMs: () => 3_600_000 } },
    handlers: {
      counted: ({ data }) => {
        if (data.n === 1) reject('never')
        if (data.n === 2) throw new Error('later')
      },
    },
  })
  await publish(lab, 3)
  await consumer.reports.until('3 are settled', (reports) => reports.settled().length === 3)
  await lab.until('the janitor has stored the mark', () => lab.send('HGET', `{${lab.streamName}}:marks`, GROUP))
  await consumer.stop()
  await publish(lab, 2)
  await lab.send('XREADGROUP', 'GROUP', GROUP, 'dead', 'COUNT', 1, 'STREAMS', lab.streamName, '>')
}

describe('groups', () => {
  test('one is created at a start, once', async ({ lab }) => {
    await publish(lab, 5)
    const groups = lab.openGroups()
    expect(await groups.create('tail', { from: 'end', dryRun: true })).toMatchObject({ existed: false, toHandle: 0 })
    expect((await lab.inspect()).groups).toEqual([])
    expect(await groups.create('tail', { from: 'end' })).toMatchObject({ group: 'tail', existed: false, toHandle: 0 })
    expect(await groups.create('head', { from: 'beginning' })).toMatchObject({ toHandle: 5, isStartTrimmed: false })
    await expect(groups.create('tail', { from: 'beginning' })).rejects.toMatchObject({ code: 'GROUP_EXISTS' })
    await expect(groups.create('dedupe', { from: 'end' })).rejects.toMatchObject({ code: 'INVALID_OPTION' })
    const consumers = [await lab.consumer({ group: 'tail' }), await lab.consumer({ group: 'head' })] as const
    await publish(lab, 1)
    await consumers[1].reports.until('6 are acknowledged', (reports) => reports.settled('ack').length === 6)
    await consumers[0].reports.until('one is acknowledged', (reports) => reports.settled('ack').length === 1)
  })

  test('one is created before its stream', async ({ lab }) => {
    const groups = lab.openGroups()
    expect(await groups.create(GROUP, { from: 'end' })).toMatchObject({ existed: false, startsAfter: '0-0' })
    await publish(lab, 3)
    expect(await lab.group()).toMatchObject({ lag: 3, isLagExact: true })
    await groups.delete(GROUP)
  })

  test('one is deleted with all of its keys, and what is lost is told', async ({ lab }) => {
    await leaveOneOfEach(lab)
    const groups = lab.openGroups(LEASE_MS)
    const loss = {
      group: GROUP,
      existed: true,
      lag: 1,
      isLagExact: true,
      pending: 1,
      waitingForRetry: 1,
      deadLetters: 1,
    }
    const before = await keysOf(lab)
    expect(await groups.delete(GROUP, { dryRun: true })).toMatchObject(loss)
    expect(await keysOf(lab)).toEqual(before)
    expect(before.filter((key) => key.startsWith(GROUP)).length).toBeGreaterThanOrEqual(4)
    expect(await lab.group()).toMatchObject({ lag: 1, deadLetters: 1 })

    const deleted = await lab.until('the group is free', () => groups.delete(GROUP).catch(unlessAtWork))
    expect(deleted).toEqual({ ...loss, atWork: [], freeInMs: 0 })
    expect((await lab.inspect()).groups).toEqual([])
    expect((await keysOf(lab)).filter((key) => key.startsWith(GROUP))).toEqual([])
    expect(await lab.send('HGET', `{${lab.streamName}}:marks`, GROUP)).toBeNull()

    // Nothing of the old one is left to the new one.
    expect(await groups.delete(GROUP)).toMatchObject({ existed: false, deadLetters: 0, pending: 0 })
    expect(await groups.create(GROUP, { from: 'beginning' })).toMatchObject({ existed: false, toHandle: 5 })
    const heir = await lab.consumer()
    await heir.reports.until('5 are acknowledged', (reports) => reports.settled('ack').length === 5)
    expect(heir.reports.settled().every(({ attempt }) => attempt === 1)).toBe(true)
  })

  test('one is not deleted while a consumer is at work', async ({ lab }) => {
    const consumer = await lab.consumer({ leaseMs: LEASE_MS })
    await publish(lab, 1)
    await consumer.reports.until('one is acknowledged', (reports) => reports.settled('ack').length === 1)
    const groups = lab.openGroups(LEASE_MS)
    const refused = await groups.delete(GROUP).catch((error) => error)
    expect(refused).toBeInstanceOf(GroupAtWorkError)
    expect(refused.message).toMatch(
      new RegExp(
        `^group ${GROUP} is at work: ${consumer.name}\\. Stop its consumers; it counts as left once none of them has ` +
          'given a sign of life for (\\d+ ms|\\d\\.\\d s) more$',
      ),
    )
    const dry = await groups.delete(GROUP, { dryRun: true })
    expect(dry).toMatchObject({ existed: true, atWork: [consumer.name] })
    expect(dry.freeInMs).toBeGreaterThan(0)
    expect(await lab.group()).toMatchObject({ lag: 0 })
  })

  test('one counts as left after the longest lease that its consumers have told, whoever joined last', async ({
    lab,
  }) => {
    await lab.consumer({ consumer: 'long', leaseMs: 60_000, concurrency: 1 })
    await lab.consumer({ consumer: 'short', leaseMs: 10_000 })
    for (const name of ['long', 'short']) await lab.send('XGROUP', 'CREATECONSUMER', lab.streamName, GROUP, name)
    const groups = lab.openGroups(LEASE_MS)
    const refused = await groups.replay(GROUP, { from: 'beginning' }).catch((error) => error)
    expect(refused).toMatchObject({ code: 'GROUP_AT_WORK', consumers: ['long', 'short'] })
    expect(refused.freeInMs).toBeGreaterThan(30_000)
    expect((await groups.delete(GROUP, { dryRun: true })).freeInMs).toBeGreaterThan(30_000)
  })

  test('the lease of a consumer that has told none is what the operator says', async ({ lab }) => {
    lab.mayLeavePending = true
    await lab.send('XGROUP', 'CREATE', lab.streamName, GROUP, '0', 'MKSTREAM')
    await publish(lab, 1)
    await lab.send('XREADGROUP', 'GROUP', GROUP, 'old', 'STREAMS', lab.streamName, '>')
    const freeInMs = async (leaseMs?: number) =>
      (await lab.openGroups(leaseMs).replay(GROUP, { from: 'end', dryRun: true })).freeInMs
    expect(await freeInMs(60_000)).toBeGreaterThan(30_000)
    expect(await freeInMs()).toBeLessThanOrEqual(10_000)
  })

  test('a consumer whose handlers take longer than its lease is at work', async ({ lab }) => {
    const gate = latch()
    const consumer = await lab.consumer({
      leaseMs: LEASE_MS,
      concurrency: 1,
      handlers: { counted: () => gate.promise },
    })
    await publish(lab, 100)
    await lab.until('it holds all that it has room for', async () => (await lab.group()).pending > 0)
    const groups = lab.openGroups(LEASE_MS)
    const until = Date.now() + 2 * LEASE_MS
    while (Date.now() < until) {
      await expect(groups.delete(GROUP)).rejects.toThrow(GroupAtWorkError)
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    gate.resolve()
    await consumer.reports.until('all are acknowledged', (reports) => reports.settled('ack').length === 100)
  })

  test('pruning deletes consumers that hold nothing and are idle, and no pseudo-consumer', async ({ lab }) => {
    await leaveOneOfEach(lab)
    for (const name of ['idle', 'other~alone']) {
      await lab.send('XGROUP', 'CREATECONSUMER', lab.streamName, GROUP, name)
    }
    const groups = lab.openGroups()
    expect(await groups.pruneConsumers(GROUP)).toEqual({ group: GROUP, pruned: [] })
    const pruned = [{ name: 'idle', idleMs: expect.any(Number) }]
    expect(await groups.pruneConsumers(GROUP, { idleMs: 0, dryRun: true })).toEqual({ group: GROUP, pruned })
    expect([...(await lab.view().consumers()).keys()].sort()).toEqual(['dead', 'idle', 'other~alone', '~retry'])
    expect(await groups.pruneConsumers(GROUP, { idleMs: 0 })).toEqual({ group: GROUP, pruned })
    expect([...(await lab.view().consumers()).keys()].sort()).toEqual(['dead', 'other~alone', '~retry'])
    await expect(groups.pruneConsumers('nobody')).rejects.toMatchObject({ code: 'NO_SUCH_GROUP' })
    await expect(groups.pruneConsumers(GROUP, { idleMs: -1 })).rejects.toMatchObject({ code: 'INVALID_OPTION' })
    await lab.until('the group is free', () => lab.openGroups(LEASE_MS).delete(GROUP).catch(unlessAtWork))
  })

  test('a wrong option names itself', () => {
    const redis = 'redis://127.0.0.1:1'
    expect(() => openGroups({ name: 's' }, { redis, leaseMs: 1 })).toThrow('openGroups: leaseMs')
  })
})

function unlessAtWork(error: unknown): undefined {
  if (!(error instanceof GroupAtWorkError)) throw error
}
