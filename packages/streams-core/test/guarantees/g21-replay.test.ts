import { describe, expect } from 'vitest'
import { GroupAtWorkError, type StartOptions, type StartResult } from '../../src/index.ts'
import { foreignEntry, range } from '../support/events.ts'
import { GROUP, Lab, test } from '../support/lab.ts'

/** That of the consumers here, or more. */
const LEASE_MS = 3_000
const MAX_SEQUENCE = '18446744073709551615'

/** Replays once nobody is at work any more. */
async function replayWhenFree(lab: Lab, options: StartOptions, group = GROUP): Promise<StartResult> {
  const groups = lab.openGroups(LEASE_MS)
  return lab.until('the group is free', async () => {
    try {
      return await groups.replay(group, options)
    } catch (error) {
      if (error instanceof GroupAtWorkError) return undefined
      throw error
    }
  }) as Promise<StartResult>
}

const publish = async (lab: Lab, count: number, first = 0) => {
  const producer = lab.producer()
  const numbers = range(count).map((n) => first + n)
  const published = await Promise.all(numbers.map((n) => producer.publish('counted', { n }, { id: `e${n}` })))
  return published.map(({ entryId }) => entryId)
}

/** As Redis itself sees the group. */
async function stateOf(lab: Lab) {
  const { lastDeliveredId, pending, waitingForRetry, lag } = await lab.group()
  const [history, due] = await Promise.all([
    lab.send('HLEN', `{${lab.streamName}}:${GROUP}:history`),
    lab.send('ZCARD', `{${lab.streamName}}:${GROUP}:due`),
  ])
  return { lastDeliveredId, pending, waitingForRetry, lag, history, due }
}

const lagInRedis = async (lab: Lab) => {
  const [flat = []] = await lab.send<(string | number | null)[][]>('XINFO', 'GROUPS', lab.streamName)
  return flat[flat.indexOf('lag') + 1]
}

/**
 * Leaves 360 events, e0 to e359: to the group, which began at e200, 90 are acknowledged; e200 to e209 wait for a retry, a
 * dead consumer holds e300 to e339, and 20 are unread.
 */
async function leaveHalfDone(lab: Lab) {
  const entryIds = await publish(lab, 300)
  await lab.send('XGROUP', 'CREATE', lab.streamName, GROUP, entryIds[199] as string)
  const consumer = await lab.consumer({
    leaseMs: LEASE_MS,
    retry: { delayMs: () => 3_600_000 },
    handlers: {
      counted: ({ data }) => {
        if (data.n < 210) throw new Error('later')
      },
    },
  })
  await consumer.reports.until('100 are settled', (reports) => reports.settled().length === 100)
  await consumer.stop()
  entryIds.push(...(await publish(lab, 60, 300)))
  await lab.send('XREADGROUP', 'GROUP', GROUP, 'dead', 'COUNT', 40, 'STREAMS', lab.streamName, '>')
  return entryIds
}

describe('replay', () => {
  test('is refused while a consumer lives, and allowed once it is dead and its lease is over', async ({ lab }) => {
    await publish(lab, 20)
    const worker = lab.worker('consumer', { LEASE_MS: String(LEASE_MS), WORK_MS: '600000', CONCURRENCY: '4' })
    await lab.until('the consumer runs handlers', async () => (await lab.view().consumers()).size > 0)
    const groups = lab.openGroups(LEASE_MS)
    const [name] = (await lab.group()).consumers.map((consumer) => consumer.name)
    const refused = await groups.replay(GROUP, { from: 'beginning' }).catch((error) => error)
    expect(refused).toBeInstanceOf(GroupAtWorkError)
    expect(refused).toMatchObject({ code: 'GROUP_AT_WORK', group: GROUP, consumers: [name] })
    expect(refused.freeInMs).toBeGreaterThan(0)
    const before = await stateOf(lab)
    const dry = await groups.replay(GROUP, { from: 'beginning', dryRun: true })
    expect(dry).toMatchObject({ toHandle: 20, existed: true, atWork: [name] })
    expect(await stateOf(lab)).toEqual(before)

    worker.kill('SIGKILL')
    await worker.exited()
    await expect(groups.replay(GROUP, { from: 'beginning' })).rejects.toThrow(GroupAtWorkError)
    const replayed = await replayWhenFree(lab, { from: 'beginning' })
    expect(replayed).toMatchObject({ toHandle: 20, skipped: 0, dropped: before.pending, atWork: [], freeInMs: 0 })
    const heir = await lab.consumer({ leaseMs: LEASE_MS })
    await heir.reports.until('all are settled', (reports) => reports.settled('ack').length === 20)
    expect(heir.reports.settled('ack').every(({ attempt }) => attempt === 1)).toBe(true)
  })

  test('every event from the start is handled exactly once, whatever was pending or parked', async ({ lab }) => {
    const entryIds = await leaveHalfDone(lab)
    expect(await lab.group()).toMatchObject({ pending: 40, waitingForRetry: 10, lag: 20 })
    const from = { entryId: entryIds[205] as string }
    const result = await replayWhenFree(lab, { from })
    // Five of the parked ones lie before the start.
    expect(result).toMatchObject({ existed: true, toHandle: 155, skipped: 5, dropped: 50, isStartTrimmed: false })
    expect(await lagInRedis(lab)).toBe(155)
    expect(await stateOf(lab)).toMatchObject({ pending: 0, waitingForRetry: 0, history: 0, due: 0 })

    const heir = await lab.consumer()
    await heir.reports.until('155 are settled', (reports) => reports.settled().length === 155)
    const ids = heir.reports.settled('ack').map(({ eventId }) => eventId)
    expect(ids.sort()).toEqual(
      range(155)
        .map((n) => `e${205 + n}`)
        .sort(),
    )
    expect(heir.reports.settled().every(({ attempt }) => attempt === 1)).toBe(true)
    expect(await lab.group()).toMatchObject({ lag: 0 })
  })

  test('a dry run gives the same figures and writes nothing', async ({ lab }) => {
    lab.mayLeavePending = true
    const entryIds = await leaveHalfDone(lab)
    const before = await stateOf(lab)
    const groups = lab.openGroups()
    for (const from of ['beginning', 'end', { entryId: entryIds[250] as string }] as const) {
      const dry = await groups.replay(GROUP, { from, dryRun: true })
      expect(await stateOf(lab)).toEqual(before)
      expect(dry).toMatchObject({ existed: true, dropped: 50 })
    }
    const options = { from: { entryId: entryIds[250] as string } }
    const dry = await groups.replay(GROUP, { ...options, dryRun: true })
    expect(await replayWhenFree(lab, options)).toEqual({ ...dry, atWork: [], freeInMs: 0 })
  })

  test('to the end: what was open is skipped, and told', async ({ lab }) => {
    await leaveHalfDone(lab)
    const result = await replayWhenFree(lab, { from: 'end' })
    expect(result).toMatchObject({ toHandle: 0, skipped: 70, dropped: 50 })
    const consumer = await lab.consumer()
    await lab.producer().publish('counted', { n: 1 }, { id: 'new' })
    await consumer.reports.until('one is settled', (reports) => reports.settled().length === 1)
    expect(consumer.reports.settled()).toMatchObject([{ eventId: 'new' }])
  })

  test('a start is an entry, a time, the beginning or the end', async ({ lab }) => {
    const now = Date.now()
    const [HOUR, MINUTE] = [3_600_000, 60_000]
    const idAt = (minute: number) => `${now - HOUR + minute * MINUTE}-5`
    for (const n of range(10)) await lab.send('XADD', lab.streamName, idAt(n), ...foreignEntry({ id: `e${n}` }))
    const groups = lab.openGroups()
    const start = async (from: StartOptions['from']) => {
      const { startsAfter, toHandle, existed } = await groups.replay(GROUP, { from })
      expect(await lagInRedis(lab)).toBe(toHandle)
      await lab.send('XGROUP', 'DESTROY', lab.streamName, GROUP)
      expect(existed).toBe(false)
      return [startsAfter, toHandle]
    }
    expect(await start('beginning')).toEqual(['0-0', 10])
    expect(await start('end')).toEqual([idAt(9), 0])
    expect(await start({ entryId: idAt(4) })).toEqual([idAt(4).replace('-5', '-4'), 6])
    const fourth = now - HOUR + 4 * MINUTE
    expect(await start({ time: fourth })).toEqual([`${fourth - 1}-${MAX_SEQUENCE}`, 6])
    expect(await start({ time: new Date(fourth + 1) })).toEqual([`${fourth}-${MAX_SEQUENCE}`, 5])
    expect(await start({ after: idAt(4) })).toEqual([idAt(4), 5])
    // By Redis' clock, which has gone on since.
    const [startsAfter = '', toHandle] = await start({ agoMs: HOUR - 3.5 * MINUTE })
    expect([String(startsAfter).split('-')[1], toHandle]).toEqual([MAX_SEQUENCE, 6])
    // Nothing was appended since: the same as the end.
    expect(await start({ time: now - 1_000 })).toEqual([idAt(9), 0])
    for (const from of [
      { time: now + 3_600_000 },
      { entryId: `${now}-0` },
      { after: `${now}-0` },
      { entryId: '5-99999999999999999999' },
    ]) {
      await expect(groups.replay(GROUP, { from })).rejects.toMatchObject({ code: 'INVALID_OPTION' })
    }
    await expect(groups.replay(GROUP, { from: 'middle' as 'end' })).rejects.toThrow('replay: from')
    expect((await lab.inspect()).groups).toEqual([])
  })

  test('a start before the oldest entry is told when entries are gone', async ({ lab }) => {
    const entryIds = await publish(lab, 30)
    const groups = lab.openGroups()
    const isTrimmed = async (from: StartOptions['from']) =>
      (await groups.replay(GROUP, { from, dryRun: true })).isStartTrimmed
    expect(await isTrimmed('beginning')).toBe(false)
    await lab.send('XTRIM', lab.streamName, 'MINID', '=', entryIds[10] as string)
    expect(await isTrimmed('beginning')).toBe(true)
    expect(await isTrimmed({ entryId: entryIds[9] as string })).toBe(true)
    expect(await isTrimmed({ entryId: entryIds[10] as string })).toBe(false)
    expect(await isTrimmed('end')).toBe(false)
    expect(await groups.replay(GROUP, { from: 'beginning' })).toMatchObject({
      ...{ existed: false, toHandle: 20, oldestEntryId: entryIds[10], isStartTrimmed: true },
    })
    expect(await lagInRedis(lab)).toBe(20)
    await lab.send('XTRIM', lab.streamName, 'MAXLEN', '=', 0)
    expect(await groups.replay(GROUP, { from: 'beginning' })).toMatchObject({
      ...{ existed: true, toHandle: 0, oldestEntryId: undefined, isStartTrimmed: true },
    })
  })

  test.for([true, false])(
    'the figures are exact although much is published between the count and the step; dry run: %s',
    async (dryRun, { lab: shared }) => {
      const { lab } = await shared.ownRedis()
      const entryIds = await publish(lab, 1_000)
      const groups = lab.openGroups()
      await groups.create(GROUP, { from: 'end' })
      const from = { entryId: entryIds[600] as string }
      // So that Redis knows all scripts by their digests.
      await groups.replay(GROUP, { from, dryRun: true })
      const producer = lab.producer({ maxBatch: 1_000 })
      await producer.ready()
      // Redis takes up again what it has paused in the order in which that came: the count, the events, and then the step.
      await lab.send('CONFIG', 'RESETSTAT')
      await lab.send('CLIENT', 'PAUSE', 60_000, 'WRITE')
      const replaying = groups.replay(GROUP, { from, dryRun })
      await lab.paused(1)
      const publishing = Promise.all(range(500).map((n) => producer.publish('counted', { n })))
      await lab.paused(2)
      await lab.send('CLIENT', 'UNPAUSE')
      await publishing
      expect(await replaying).toMatchObject({ existed: true, toHandle: 900, skipped: 0 })
      if (!dryRun) expect(await lagInRedis(lab)).toBe(900)
      // The count, the publish and the step, once each: on a busy stream, counting again would not come to an end.
      expect(await lab.send('INFO', 'commandstats')).toMatch(/cmdstat_evalsha:calls=3,/)
      await groups.delete(GROUP)
    },
  )

  test.for(['the consumer joins', 'the replay'])(
    'a consumer that starts in the same moment misses nothing; first comes %s',
    async (first, { lab: shared }) => {
      const { lab } = await shared.ownRedis()
      await publish(lab, 50)
      const groups = lab.openGroups()
      // So that Redis knows all scripts by their digests.
      await (await lab.consumer({ group: 'other' })).stop()
      await groups.create(GROUP, { from: 'end' })
      const replay = () => groups.replay(GROUP, { from: 'beginning' })
      await lab.send('CLIENT', 'PAUSE', 60_000, 'WRITE')
      const early = first === 'the replay' ? replay() : undefined
      await lab.paused(early ? 1 : 0)
      const consumer = lab.startConsumer()
      await lab.paused(early ? 2 : 1)
      const replaying = early ?? replay()
      await lab.paused(2)
      await lab.send('CLIENT', 'UNPAUSE')
      expect(await replaying).toMatchObject({ existed: true, toHandle: 50 })
      await consumer.reports.until('50 are acknowledged', (reports) => reports.settled('ack').length >= 50)
      expect(new Set(consumer.reports.settled().map(({ eventId }) => eventId)).size).toBe(50)
      expect(consumer.reports.settled()).toHaveLength(50)
    },
  )

  test('a consumer that reads between the count and the step keeps what it has read: the step is refused', async ({
    lab: shared,
  }) => {
    const { lab } = await shared.ownRedis()
    const entryIds = await publish(lab, 50)
    const groups = lab.openGroups(LEASE_MS)
    await groups.create(GROUP, { from: 'beginning' })
    const from = { entryId: entryIds[25] as string }
    await groups.replay(GROUP, { from, dryRun: true })
    const early = new Lab(lab.url, lab.streamName)
    shared.onClose(() => early.close())
    await early.send('PING')
    await lab.send('CLIENT', 'PAUSE', 60_000, 'WRITE')
    const replayed = groups.replay(GROUP, { from }).catch((error) => error)
    await lab.paused(1)
    const read = early.send('XREADGROUP', 'GROUP', GROUP, 'early', 'COUNT', 10, 'STREAMS', lab.streamName, '>')
    await lab.paused(2)
    await lab.send('CLIENT', 'UNPAUSE')
    await read
    expect(await replayed).toMatchObject({ code: 'GROUP_AT_WORK', consumers: ['early'] })
    expect(await lab.group()).toMatchObject({ pending: 10, lag: 40 })
    const heir = await lab.consumer({ leaseMs: LEASE_MS })
    await heir.reports.until('50 are acknowledged', (reports) => reports.settled('ack').length === 50)
  })

  test('with idempotency records, finished events are acknowledged without another run', async ({ lab }) => {
    const options = { idempotency: { ttlMs: 60_000 } }
    const consumer = await lab.consumer(options)
    await publish(lab, 10)
    await consumer.reports.until('10 are acknowledged', (reports) => reports.settled('ack').length === 10)
    await consumer.stop()
    await replayWhenFree(lab, { from: 'beginning' })
    const heir = await lab.consumer(options)
    await heir.reports.until('10 are settled', (reports) => reports.settled().length === 10)
    expect(new Set(heir.reports.settled().map(({ result }) => result))).toEqual(new Set(['handled-before']))
  })

  test('the group is created again from its new start when somebody destroys it', async ({ lab }) => {
    const consumer = await lab.consumer()
    const entryIds = await publish(lab, 10)
    await consumer.reports.until('10 are acknowledged', (reports) => reports.settled('ack').length === 10)
    await lab.until('the janitor has stored the mark', async () =>
      String(await lab.send('HGET', `{${lab.streamName}}:marks`, GROUP)).startsWith(entryIds[9] as string),
    )
    await consumer.stop()
    await replayWhenFree(lab, { from: { entryId: entryIds[6] as string } })
    await lab.send('XGROUP', 'DESTROY', lab.streamName, GROUP)
    const heir = await lab.consumer()
    await heir.reports.until('4 are acknowledged', (reports) => reports.settled('ack').length === 4)
    expect(heir.reports.settled().map(({ eventId }) => eventId)).toEqual(['e6', 'e7', 'e8', 'e9'])
  })
})
