import { spawnSync } from 'node:child_process'
import { describe, expect } from 'vitest'
import {
  type EventState,
  type FindOptions,
  findEvent,
  GroupAtWorkError,
  type Hindrance,
  openFinder,
  reject,
} from '../../src/index.ts'
import { foreignEntry, range } from '../support/events.ts'
import { GROUP, type Lab, test } from '../support/lab.ts'
import { latch } from '../support/latch.ts'

const LEASE_MS = 3_000

const find = (lab: Lab, id: string, options: FindOptions = {}) =>
  findEvent({ name: lab.streamName }, id, { redis: lab.as('operator'), ...options })

/** The state of the newest entry of an event in a group. */
async function stateOf(lab: Lab, id: string, group = GROUP): Promise<EventState | undefined> {
  const { entries } = await find(lab, id)
  return entries[0]?.groups.find((one) => one.group === group)?.state
}

/** In a process of its own, which is waited for: nothing else happens here meanwhile. */
function redriveAtOnce(lab: Lab): void {
  const program = `
    import { openDeadLetters } from '@redis-streams-processor/streams-core'
    const letters = openDeadLetters({ name: process.env.STREAM }, { redis: process.env.REDIS_URL, group: '${GROUP}' })
    await letters.redrive()
    await letters.close()`
  const env = { ...process.env, STREAM: lab.streamName, REDIS_URL: lab.url }
  const node = ['--conditions=source', '--import', 'tsx', '--input-type=module', '--eval', program]
  const { status, stderr } = spawnSync(process.execPath, node, { cwd: import.meta.dirname, env, encoding: 'utf8' })
  if (status !== 0) throw new Error(stderr)
}

describe('findEvent says what each group has done with an event', () => {
  test('undelivered, held, waiting for its retry, dead, acknowledged', async ({ lab }) => {
    const gates = { start: latch(), fail: latch() }
    const retryAt: number[] = []
    const handlers = {
      counted: async ({ id }: { id: string }) => {
        if (id === 'held') await gates.start.promise
        if (id === 'failing') throw new Error('no luck')
        if (id === 'rejected') reject('never')
      },
    }
    const producer = lab.producer()
    const publish = (id: string) => producer.publish('counted', { n: 1 }, { id })
    const { entryId } = await publish('held')
    await lab.send('XGROUP', 'CREATE', lab.streamName, GROUP, '0')
    await lab.send('XGROUP', 'CREATE', lab.streamName, 'idle', '0')
    expect(await stateOf(lab, 'held')).toEqual({ type: 'undelivered' })

    const since = Date.now()
    const consumer = await lab.consumer({ handlers, retry: { maxDeliveries: 2, delayMs: () => 3_600_000 } })
    await lab.until('a consumer holds it', async () => (await lab.group()).pending === 1)
    expect(await stateOf(lab, 'held')).toEqual({
      ...{ type: 'held', consumer: consumer.name, role: 'own', owner: consumer.name, attempt: 1, history: [] },
      ...{ leaseExtendedAt: expect.any(String), isLeaseOver: false },
    })
    const held = (await stateOf(lab, 'held')) as EventState & { type: 'held' }
    expect(Date.parse(held.leaseExtendedAt)).toBeGreaterThanOrEqual(since - 1_000)
    // An entry id leads to the same.
    const [entry] = (await find(lab, 'held')).entries
    const leaseExtendedAt = expect.any(String)
    const groups = entry?.groups.map(({ state, ...group }) => ({ ...group, state: { ...state, leaseExtendedAt } }))
    expect((await find(lab, entryId)).entries).toMatchObject([{ ...entry, groups: [groups?.[0], entry?.groups[1]] }])
    expect(await stateOf(lab, 'held', 'idle')).toEqual({ type: 'undelivered' })
    gates.start.resolve()
    await consumer.reports.until('it is acknowledged', (reports) => reports.settled('ack').length === 1)
    expect(await stateOf(lab, 'held')).toEqual({ type: 'acknowledged' })

    await publish('failing')
    await consumer.reports.until('it fails', (reports) => reports.settled('retry').length === 1)
    retryAt.push(Date.now() + 3_600_000)
    const waiting = await stateOf(lab, 'failing')
    expect(waiting).toEqual({
      ...{ type: 'waiting-for-retry', deliveries: 1, dueAt: expect.any(String) },
      history: [{ attempt: 1, at: expect.any(String), consumer: consumer.name, error: 'no luck' }],
    })
    const { dueAt } = waiting as { dueAt: string }
    expect(Math.abs(Date.parse(dueAt) - (retryAt[0] as number))).toBeLessThan(10_000)

    const rejected = await publish('rejected')
    await consumer.reports.until('it is dead', (reports) => reports.settled('dead-letter').length === 1)
    const [letter] = await lab.deadLetters()
    expect(await find(lab, 'rejected')).toEqual({
      ...{ asOf: expect.any(String), knownSince: expect.any(String) },
      letters: [letter],
      entries: [
        {
          ...{ entryId: rejected.entryId, isInStream: true, eventId: 'rejected', eventType: 'counted' },
          ...{ redrivenFor: undefined, publishedAt: letter?.publishedAt, fields: letter?.fields },
          groups: [
            { group: GROUP, state: { type: 'dead', letter }, hindrances: [] },
            {
              ...{ group: 'idle', state: { type: 'undelivered' } },
              hindrances: [{ type: 'no-consumer', silentMs: undefined }],
            },
          ],
        },
      ],
    })
    // So does the id of its dead letter.
    const byLetter = await find(lab, letter?.letterId as string)
    expect(byLetter.letters).toEqual([letter])
    expect(byLetter.entries).toContainEqual((await find(lab, rejected.entryId)).entries[0])
    const [byEvent, byEntry] = [await find(lab, 'rejected'), await find(lab, rejected.entryId)]
    expect(byEntry).toEqual({ ...byEvent, asOf: byEntry.asOf })
    expect(Date.parse(byEntry.asOf)).toBeGreaterThanOrEqual(Date.parse(byEvent.asOf))
    await consumer.stop()
    lab.mayLeavePending = true
  })

  test('after a redrive: both entries, and for which group the new one is', async ({ lab }) => {
    let isBroken = true
    const consumer = await lab.consumer({
      handlers: { counted: () => (isBroken ? reject('broken') : undefined) },
    })
    await lab.consumer({ group: 'other' })
    const { entryId } = await lab.producer().publish('counted', { n: 1 }, { id: 'twice' })
    await consumer.reports.until('it is dead', (reports) => reports.settled('dead-letter').length === 1)
    isBroken = false
    await lab.openDeadLetters().redrive()
    await consumer.reports.until('it is acknowledged', (reports) => reports.settled('ack').length === 1)
    await lab.until('the other group has acknowledged both', async () => {
      const { lag, pending } = await lab.group('other')
      return lag + pending === 0
    })
    await lab.send('XGROUP', 'CREATE', lab.streamName, 'third', entryId)
    const { entries, letters } = await find(lab, 'twice')
    expect(letters).toEqual([])
    const copy = entries[0]?.entryId as string
    const notOurs = { type: 'not-ours', redrivenFor: GROUP }
    expect(entries).toMatchObject([
      {
        redrivenFor: GROUP,
        groups: [
          { group: GROUP, state: { type: 'acknowledged' } },
          { group: 'other', state: notOurs },
          { group: 'third', state: notOurs },
        ],
      },
      {
        ...{ entryId, redrivenFor: undefined },
        groups: [
          { group: GROUP, state: { type: 'redriven', redrivenAs: copy } },
          { group: 'other', state: { type: 'acknowledged' } },
          { group: 'third', state: { type: 'acknowledged' } },
        ],
      },
    ])
    expect(entries).toHaveLength(2)
    // Where an entry was asked for, its copies are looked for, and not shown.
    expect((await find(lab, entryId)).entries).toEqual([entries[1]])
    await lab.send('XDEL', lab.streamName, entryId)
    expect((await find(lab, entryId)).entries).toMatchObject([
      {
        ...{ entryId, isInStream: false },
        groups: [
          { state: { type: 'redriven', redrivenAs: copy } },
          { state: { type: 'unknown', why: 'trimmed' } },
          { state: { type: 'unknown', why: 'trimmed' } },
        ],
      },
    ])
  })

  test('what is redriven while it is searched for is found as what it is', async ({ lab }) => {
    const consumer = await lab.consumer({ handlers: { counted: () => reject('broken') } })
    const { entryId } = await lab.producer().publish('counted', { n: 1 }, { id: 'meanwhile' })
    await consumer.reports.until('it is dead', (reports) => reports.settled('dead-letter').length === 1)
    await consumer.stop()
    let isRedriven = false
    const { entries, letters } = await find(lab, 'meanwhile', {
      // The stream has been searched, the letters have not.
      onProgress() {
        if (!isRedriven) redriveAtOnce(lab)
        isRedriven = true
      },
    })
    const [copy, old] = entries
    expect([isRedriven, old?.entryId, letters]).toEqual([true, entryId, []])
    expect(copy).toMatchObject({ redrivenFor: GROUP, groups: [{ state: { type: 'undelivered' } }] })
    expect(old?.groups).toMatchObject([{ state: { type: 'redriven', redrivenAs: copy?.entryId } }])
  })

  test('an entry that was redriven, and whose copy was redriven, too; and after a replay over both', async ({
    lab,
  }) => {
    const rejects = { leaseMs: LEASE_MS, handlers: { counted: () => reject('broken') } }
    const consumer = await lab.consumer(rejects)
    const { entryId } = await lab.producer().publish('counted', { n: 1 }, { id: 'again' })
    for (const deaths of [1, 2, 3]) {
      await consumer.reports.until('it is dead', (reports) => reports.settled('dead-letter').length === deaths)
      if (deaths < 3) await lab.openDeadLetters().redrive({ again: true })
    }
    const { entries } = await find(lab, 'again')
    const [third, second] = entries.map((entry) => entry.entryId)
    const states = entries.map(({ groups }) => groups[0]?.state)
    expect(states).toMatchObject([
      { type: 'dead', letter: { entryId: third, redrives: 2 } },
      { type: 'redriven', redrivenAs: third },
      { type: 'redriven', redrivenAs: second },
    ])
    await consumer.stop()
    const replay = () => lab.openGroups(LEASE_MS).replay(GROUP, { from: { entryId } }).catch(unlessAtWork)
    await lab.until('the group is free', replay)
    expect((await find(lab, entryId)).entries[0]?.groups[0]?.state).toEqual({ type: 'undelivered' })
    const heir = await lab.consumer({ leaseMs: LEASE_MS })
    await heir.reports.until('all are handled', (reports) => reports.settled('ack').length === 3)
    const after = (await find(lab, 'again')).entries.map(({ groups }) => groups[0]?.state.type)
    expect(after).toEqual(['acknowledged', 'acknowledged', 'acknowledged'])
    expect((await find(lab, entryId)).entries[0]?.groups[0]?.state).toEqual({ type: 'acknowledged' })
  })

  test('a copy that an older version has appended does not say of which entry it is', async ({ lab }) => {
    const consumer = await lab.consumer()
    const { entryId } = await lab.producer().publish('counted', { n: 1 }, { id: 'old' })
    const [[, fields = []] = []] = await lab.send<[string, string[]][]>('XRANGE', lab.streamName, entryId, entryId)
    await lab.send('XADD', lab.streamName, '*', ...fields, 'redrivefor', GROUP, 'redrives', '1')
    await consumer.reports.until('both are handled', (reports) => reports.settled('ack').length === 2)
    expect((await find(lab, 'old')).entries).toMatchObject([
      { redrivenFor: GROUP, groups: [{ state: { type: 'acknowledged' } }] },
      { entryId, groups: [{ state: { type: 'acknowledged' } }] },
    ])
  })

  test('held by a consumer that is dead or cut off: its lease is over', async ({ lab }) => {
    lab.mayLeavePending = true
    await lab.send('XGROUP', 'CREATE', lab.streamName, GROUP, '0', 'MKSTREAM')
    const { entryId } = await lab.producer().publish('counted', { n: 0 }, { id: 'held' })
    await lab.send('XREADGROUP', 'GROUP', GROUP, 'dead', 'STREAMS', lab.streamName, '>')
    const tellLease = (consumer: string, leaseMs: number) =>
      lab.send('HSET', `{${lab.streamName}}:${GROUP}:tally`, `lease:${consumer}`, leaseMs)
    const isOverAfter = async (idleMs: number) => {
      await lab.bringBack([entryId], { deliveries: 1, idleMs })
      const state = await stateOf(lab, 'held')
      return state?.type === 'held' && state.isLeaseOver
    }
    // None has told its lease: that of consumers by default.
    expect([await isOverAfter(5_000), await isOverAfter(11_000)]).toEqual([false, true])
    await tellLease('dead', 60_000)
    expect([await isOverAfter(30_000), await isOverAfter(61_000)]).toEqual([false, true])
    // Any consumer of the group may take it over, and by then every one of them may.
    await lab.send('XGROUP', 'CREATECONSUMER', lab.streamName, GROUP, 'heir')
    await tellLease('heir', 600_000)
    expect([await isOverAfter(61_000), await isOverAfter(601_000)]).toEqual([false, true])
    // That of one that has no name in the group does not count.
    await tellLease('gone', 86_400_000)
    expect(await isOverAfter(601_000)).toBe(true)
    const claim = (owner: string) => lab.send('XCLAIM', lab.streamName, GROUP, owner, 0, entryId, 'JUSTID')
    await claim('heir~suspect')
    expect(await stateOf(lab, 'held')).toMatchObject({ type: 'crash-suspect', isLeaseOver: false })
    await lab.send('XCLAIM', lab.streamName, GROUP, 'heir~suspect', 0, entryId, 'IDLE', 601_000)
    expect(await stateOf(lab, 'held')).toMatchObject({ type: 'crash-suspect', isLeaseOver: true })
    // What an earlier process of the same name has left is taken at once.
    await claim('heir~left')
    expect(await stateOf(lab, 'held')).toMatchObject({
      ...{ type: 'held', consumer: 'heir', role: 'left', isLeaseOver: true },
    })
  })

  test('after a replay: a letter from before it does not make dead what was handled since', async ({ lab }) => {
    const rejects = (...rejected: number[]) => ({
      leaseMs: LEASE_MS,
      handlers: {
        counted: ({ data }: { data: { n: number } }) => (rejected.includes(data.n) ? reject('no') : undefined),
      },
    })
    const producer = lab.producer()
    const entryIds: string[] = []
    for (const n of range(3)) entryIds.push((await producer.publish('counted', { n }, { id: `e${n}` })).entryId)
    const consumer = await lab.consumer(rejects(0, 1, 2))
    await consumer.reports.until('all are dead', (reports) => reports.settled('dead-letter').length === 3)
    await consumer.stop()
    const lettersOf = async (n: number) => (await lab.deadLetters()).filter(({ eventId }) => eventId === `e${n}`)
    const from = { entryId: entryIds[1] as string }
    await lab.until('the group is free', () => lab.openGroups(LEASE_MS).replay(GROUP, { from }).catch(unlessAtWork))
    expect(await stateOf(lab, 'e1')).toEqual({ type: 'undelivered' })

    const heir = await lab.consumer(rejects(2))
    await heir.reports.until('both are settled', (reports) => reports.settled().length === 2)
    expect(await stateOf(lab, 'e0')).toEqual({ type: 'dead', letter: (await lettersOf(0))[0] })
    expect(await stateOf(lab, 'e1')).toEqual({ type: 'acknowledged', letter: (await lettersOf(1))[0] })
    expect(await stateOf(lab, 'e2')).toEqual({ type: 'dead', letter: (await lettersOf(2))[1] })
    expect((await find(lab, 'e1')).letters).toEqual(await lettersOf(1))
  })

  test('trimmed, but dead; trimmed; not appended yet; never heard of', async ({ lab }) => {
    const consumer = await lab.consumer({
      handlers: { counted: ({ data }) => (data.n === 0 ? reject('no') : undefined) },
    })
    const producer = lab.producer({ dedupeMs: 0 })
    const [dead, gone] = [
      await producer.publish('counted', { n: 0 }, { id: 'dead' }),
      await producer.publish('counted', { n: 1 }, { id: 'gone' }),
    ]
    await consumer.reports.until('both are settled', (reports) => reports.settled().length === 2)
    await lab.send('XTRIM', lab.streamName, 'MAXLEN', '=', 0)
    expect((await find(lab, 'dead')).entries).toMatchObject([
      {
        ...{ entryId: dead.entryId, isInStream: false, eventId: 'dead' },
        groups: [{ group: GROUP, state: { type: 'dead', letter: { reason: 'rejected', error: 'no' } } }],
      },
    ])
    expect((await find(lab, dead.entryId)).entries).toEqual((await find(lab, 'dead')).entries)
    const unknown = (why: string) => [
      {
        isInStream: false,
        eventId: undefined,
        fields: undefined,
        groups: [{ group: GROUP, state: { type: 'unknown', why } }],
      },
    ]
    // The letter may have the same id, if it was written in the same millisecond.
    const [known] = (await find(lab, gone.entryId)).entries.filter(({ entryId }) => entryId === gone.entryId)
    expect([known]).toMatchObject(unknown('gone'))
    expect((await find(lab, `${Date.now() + 3_600_000}-0`)).entries).toMatchObject(unknown('not-appended'))
    expect(await find(lab, 'gone')).toEqual({ asOf: expect.any(String), entries: [], letters: [] })
    expect(await find(lab, 'never heard of')).toEqual({ asOf: expect.any(String), entries: [], letters: [] })
  })

  test('trimmed, and remembered by the deduplication', async ({ lab }) => {
    await lab.send('XGROUP', 'CREATE', lab.streamName, GROUP, '0', 'MKSTREAM')
    const { entryId } = await lab.producer().publish('counted', { n: 0 }, { id: 'remembered' })
    await lab.send('XGROUP', 'CREATE', lab.streamName, 'past it', '$')
    await lab.send('XTRIM', lab.streamName, 'MAXLEN', '=', 0)
    const groups = [
      { group: GROUP, state: { type: 'unknown', why: 'gone' } },
      { group: 'past it', state: { type: 'unknown', why: 'trimmed' } },
    ]
    const found = await find(lab, 'remembered')
    expect(found).toMatchObject({ entries: [{ entryId, isInStream: false, groups }], knownSince: undefined })
    const { entryId: newest } = await lab.producer().publish('counted', { n: 1 })
    expect((await find(lab, 'remembered')).knownSince).toBe(new Date(Number(newest.split('-')[0])).toISOString())
  })

  test('a crash suspect, and what other names say', async ({ lab }) => {
    lab.mayLeavePending = true
    await lab.send('XGROUP', 'CREATE', lab.streamName, GROUP, '0', 'MKSTREAM')
    const { entryId } = await lab.producer().publish('counted', { n: 0 }, { id: 'poison' })
    const claim = (owner: string) =>
      lab.send('XCLAIM', lab.streamName, GROUP, owner, 0, entryId, 'RETRYCOUNT', 3, 'FORCE', 'JUSTID')
    await lab.send('XREADGROUP', 'GROUP', GROUP, 'first', 'STREAMS', lab.streamName, '>')
    await claim('~suspect')
    expect(await stateOf(lab, 'poison')).toEqual({
      type: 'crash-suspect',
      deliveries: 3,
      consumer: undefined,
      isLeaseOver: false,
      history: [],
    })
    await claim('heir~suspect')
    expect(await stateOf(lab, 'poison')).toMatchObject({ type: 'crash-suspect', consumer: 'heir' })
    await claim('~paused~counted')
    expect(await stateOf(lab, 'poison')).toMatchObject({ type: 'set-aside', owner: '~paused~counted', deliveries: 3 })
    await claim('heir~alone')
    expect(await stateOf(lab, 'poison')).toMatchObject({
      type: 'held',
      ...{ consumer: 'heir', role: 'alone', owner: 'heir~alone' },
      attempt: 3,
    })
  })
})

describe('findEvent says why a group does not go on with an event', () => {
  /** Of the newest entry of an event. */
  async function hindrancesOf(lab: Lab, id: string, group = GROUP): Promise<Hindrance[]> {
    const { entries } = await find(lab, id)
    return entries[0]?.groups.find((one) => one.group === group)?.hindrances ?? []
  }
  const typesOf = async (lab: Lab, id: string) => (await hindrancesOf(lab, id)).map(({ type }) => type)
  const tellLease = (lab: Lab, consumer: string, leaseMs: number) =>
    lab.send('HSET', `{${lab.streamName}}:${GROUP}:tally`, `lease:${consumer}`, leaseMs)

  test('no consumer is there; it, or the type of the event, is paused; its circuit is open', async ({ lab }) => {
    lab.mayLeavePending = true
    await lab.send('XGROUP', 'CREATE', lab.streamName, GROUP, '0', 'MKSTREAM')
    const { entryId } = await lab.producer().publish('counted', { n: 1 }, { id: 'waits' })
    const nobody: Hindrance = { type: 'no-consumer', silentMs: undefined }
    expect(await hindrancesOf(lab, 'waits')).toEqual([nobody])
    const since = expect.any(String)
    const controls = lab.openControls()
    for (const eventType of ['counted', 'noted']) await controls.pause({ eventType, reason: 'the bank is down' })
    const ofType = { type: 'type-paused', eventType: 'counted', since, reason: 'the bank is down' }
    expect(await hindrancesOf(lab, 'waits')).toEqual([ofType, nobody])
    await controls.pause()
    const paused = { type: 'paused', by: 'operator', since, reason: undefined }
    expect(await hindrancesOf(lab, 'waits')).toEqual([paused, ofType, nobody])
    await controls.resume()
    await lab.send('HSET', `{${lab.streamName}}:${GROUP}:controls`, 'circuit', `${Date.now()} fails`)
    const open = { type: 'paused', by: 'circuit', since, reason: 'fails' }
    expect(await hindrancesOf(lab, 'waits')).toEqual([open, ofType, nobody])
    await controls.resume()

    const consumer = await lab.consumer()
    await lab.until('it is set aside', async () => (await stateOf(lab, 'waits'))?.type === 'set-aside')
    expect(await hindrancesOf(lab, 'waits')).toEqual([ofType])
    // Its type is told where the stream does not hold it any more, too.
    await lab.send('XDEL', lab.streamName, entryId)
    expect((await find(lab, entryId)).entries[0]?.groups[0]?.hindrances).toEqual([ofType])
    await consumer.stop()
  })

  test('the consumer that holds it gives no sign of life: then others take it, where there are any', async ({
    lab,
  }) => {
    lab.mayLeavePending = true
    await lab.send('XGROUP', 'CREATE', lab.streamName, GROUP, '0', 'MKSTREAM')
    const { entryId } = await lab.producer().publish('counted', { n: 1 }, { id: 'held' })
    await tellLease(lab, 'dead', 60_000)
    await lab.send('XREADGROUP', 'GROUP', GROUP, 'dead', 'STREAMS', lab.streamName, '>')
    await lab.openControls().pause()
    // In the hands of a living consumer it goes on, whatever holds the group up.
    expect(await hindrancesOf(lab, 'held')).toEqual([])
    await tellLease(lab, 'dead', 1_000)
    await lab.until('the holder is silent', async () => (await hindrancesOf(lab, 'held')).length > 0)
    const [silent, ...others] = await hindrancesOf(lab, 'held')
    expect(silent).toMatchObject({ type: 'holder-silent', consumer: 'dead' })
    expect((silent as { silentMs: number }).silentMs).toBeGreaterThanOrEqual(500)
    expect(others).toMatchObject([{ type: 'paused' }, { type: 'no-consumer', silentMs: expect.any(Number) }])
    // Any consumer may take it over, and by then every one of them may.
    await lab.send('XGROUP', 'CREATECONSUMER', lab.streamName, GROUP, 'heir')
    await tellLease(lab, 'heir', 60_000)
    const [waiting] = (await hindrancesOf(lab, 'held')) as [Hindrance & { type: 'holder-silent' }]
    expect(waiting.leaseLeftMs).toBeGreaterThan(50_000)
    expect(waiting.leaseLeftMs + waiting.silentMs).toBeLessThanOrEqual(60_000)
    await lab.openControls().resume()
    expect(await typesOf(lab, 'held')).toEqual(['holder-silent'])
    await lab.send('XGROUP', 'DELCONSUMER', lab.streamName, GROUP, 'heir')
    await lab.until('its lease is over', async () => {
      const [over] = (await hindrancesOf(lab, 'held')) as [Hindrance & { type: 'holder-silent' }]
      return over.leaseLeftMs === 0
    })
    // It lives, under another of its names: what it holds waits for its handler.
    await lab.send('XCLAIM', lab.streamName, GROUP, 'dead~alone', 0, entryId, 'JUSTID')
    expect(await hindrancesOf(lab, 'held')).toEqual([])
    // A process that has started under the same name lives; what the earlier one has left, others take.
    await lab.send('XCLAIM', lab.streamName, GROUP, 'dead~left', 0, entryId, 'JUSTID')
    await tellLease(lab, 'dead', 60_000)
    expect(await hindrancesOf(lab, 'held')).toEqual([])
  })

  test('nothing of what waits for its retry or runs, and nothing of what is done', async ({ lab }) => {
    lab.mayLeavePending = true
    const gate = latch()
    const consumer = await lab.consumer({
      retry: { delayMs: () => 3_600_000 },
      handlers: {
        counted: async ({ id }) => {
          if (id === 'runs') await gate.promise
          if (id === 'fails') throw new Error('no luck')
        },
      },
    })
    const producer = lab.producer()
    for (const id of ['fails', 'done', 'runs']) await producer.publish('counted', { n: 1 }, { id })
    await consumer.reports.until('two are settled', (reports) => reports.settled().length === 2)
    await lab.until('it is held', async () => (await stateOf(lab, 'runs'))?.type === 'held')
    for (const id of ['fails', 'done', 'runs']) expect(await hindrancesOf(lab, id)).toEqual([])
    await lab.openControls().pause()
    expect(await typesOf(lab, 'fails')).toEqual(['paused'])
    expect([await typesOf(lab, 'done'), await typesOf(lab, 'runs')]).toEqual([[], []])
    gate.resolve()
    await consumer.stop()
  })
})

describe('a search', () => {
  test('the fields of one entry are to be had alone', async ({ lab }) => {
    const { entryId } = await lab.producer().publish('counted', { n: 7 }, { id: 'e' })
    const finder = openFinder({ name: lab.streamName }, { redis: lab.as('operator') })
    lab.onClose(() => finder.close())
    const fields = await finder.fieldsOf(entryId)
    expect(fields?.[fields.indexOf('data') + 1]).toBe('{"n":7}')
    expect(await finder.fieldsOf('1-1')).toBeUndefined()
    await expect(finder.fieldsOf('an event id')).rejects.toMatchObject({ code: 'INVALID_OPTION' })
  })

  test('goes through a long stream in steps, newest first, tells how far it is, and can be given up', async ({
    lab,
  }) => {
    await lab.send('XGROUP', 'CREATE', lab.streamName, GROUP, '$', 'MKSTREAM')
    const producer = lab.producer({ dedupeMs: 0 })
    const first = await producer.publish('counted', { n: 0 }, { id: 'first' })
    await Promise.all(range(3_000).map((n) => producer.publish('counted', { n })))
    const again = await producer.publish('counted', { n: 0 }, { id: 'first' })
    const finder = openFinder({ name: lab.streamName }, { redis: lab.as('operator') })
    lab.onClose(() => finder.close())
    const progress: { looked: number; of: number }[] = []
    const { entries } = await finder.find('first', { onProgress: (step) => progress.push(step) })
    expect(entries.map(({ entryId }) => entryId)).toEqual([again.entryId, first.entryId])
    expect(progress.at(-1)).toEqual({ looked: 3_002, of: 3_002 })
    expect(progress.filter(({ looked }, i) => looked - (progress[i - 1]?.looked ?? 0) > 500)).toEqual([])

    const giving = new AbortController()
    const given = finder.find('first', { signal: giving.signal, onProgress: () => giving.abort(new Error('enough')) })
    await expect(given).rejects.toThrow('enough')
    progress.length = 0
    const early = finder.find('first', { signal: giving.signal, onProgress: (step) => progress.push(step) })
    await expect(early).rejects.toThrow('enough')
    expect(progress).toEqual([])
  })

  test('goes no further back than the entry that the deduplication remembers', async ({ lab }) => {
    await lab.send('XGROUP', 'CREATE', lab.streamName, GROUP, '$', 'MKSTREAM')
    const producer = lab.producer()
    await Promise.all(range(2_000).map((n) => producer.publish('counted', { n })))
    const { entryId } = await producer.publish('counted', { n: 0 }, { id: 'recent' })
    const looked: number[] = []
    const { entries } = await find(lab, 'recent', { onProgress: (step) => looked.push(step.looked) })
    expect(entries).toMatchObject([{ entryId }])
    expect(looked.at(-1)).toBe(1)
    // The group was not given it yet: nobody can have redriven it.
    await find(lab, entryId, { onProgress: (step) => looked.push(step.looked) })
    expect(looked.at(-1)).toBe(0)
  })

  test('finds its way through entries and letters that this library has not written', async ({ lab }) => {
    const dead = `{${lab.streamName}}:${GROUP}:dead`
    await lab.send('XGROUP', 'CREATE', lab.streamName, GROUP, '$', 'MKSTREAM')
    await lab.send('XADD', lab.streamName, '*', 'id', '', 'hello', 'world')
    const entryId = await lab.send<string>('XADD', lab.streamName, '*', ...foreignEntry({ id: '1-1' }))
    await lab.send('XADD', dead, '*', 'note', 'x')
    await lab.send('XADD', dead, '*', 'letter', '{"entryId":5}', 'history', '', 'id', '1-1')
    await lab.send('XADD', dead, '*', 'letter', '{"entryId":"1-1"', 'history', '')
    await lab.send('XADD', dead, '*', 'letter', '{"entryId":"99999999999999999999-0"}', 'history', '', 'id', 'lost')
    await lab.send('HSET', `{${lab.streamName}}:${GROUP}:history`, entryId, 'no JSON')
    expect(await find(lab, 'lost')).toMatchObject({ entries: [] })
    expect(await find(lab, '99999999999999999999-0')).toMatchObject({ entries: [], letters: [] })
    expect((await find(lab, '1-1')).entries).toMatchObject([{ entryId: '1-1', isInStream: false }])
    const asEvent = await find(lab, '1-1', { idOf: 'event' })
    expect(asEvent).toMatchObject({ letters: [], entries: [{ entryId, eventId: '1-1' }] })
    await expect(find(lab, 'no entry id', { idOf: 'entry' })).rejects.toMatchObject({ code: 'INVALID_OPTION' })
    await expect(find(lab, '')).rejects.toMatchObject({ code: 'INVALID_OPTION' })
  })

  test('of a stream that is not there finds nothing', async ({ lab }) => {
    expect(await find(lab, 'anything')).toEqual({ asOf: expect.any(String), entries: [], letters: [] })
    expect((await find(lab, '1-1')).entries).toMatchObject([{ isInStream: false, groups: [] }])
  })
})

function unlessAtWork(error: unknown): undefined {
  if (!(error instanceof GroupAtWorkError)) throw error
}
