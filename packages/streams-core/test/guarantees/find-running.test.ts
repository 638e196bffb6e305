import { describe, expect } from 'vitest'
import { type EventState, findEvent } from '../../src/index.ts'
import { commandRules, keyRules, rights } from '../../src/settings.ts'
import { range } from '../support/events.ts'
import { GROUP, type Lab, test } from '../support/lab.ts'
import { latch } from '../support/latch.ts'

// `find` says of an entry that runs at whom it runs, and since when.

const LEASE_MS = 600

type Held = EventState & { type: 'held' }

const runsKey = (lab: Lab, consumer: string) => `{${lab.streamName}}:${GROUP}:runs:${consumer}`

/** What the group has done with an event, or an entry. */
async function find(lab: Lab, id: string): Promise<Held> {
  const { entries } = await findEvent({ name: lab.streamName }, id, { redis: lab.as('operator') })
  return entries[0]?.groups.find(({ group }) => group === GROUP)?.state as Held
}

/** Resolves once it is told since when the entry runs. */
const untilTold = (lab: Lab, id: string, isRight: (state: Held) => boolean = () => true) =>
  lab.until(`it is told since when ${id} runs`, async () => {
    const state = await find(lab, id)
    return state.runningSince !== undefined && isRight(state) && { ...state, since: Date.parse(state.runningSince) }
  })

/** A handler that runs until the end of the test, and when it was called: event id and attempt → time. */
function stuck(lab: Lab) {
  const startedAt = new Map<string, number>()
  const gate = latch()
  lab.onClose(async () => gate.resolve())
  const counted = async ({ id }: { id: string }, { attempt }: { attempt: number }) => {
    startedAt.set(`${id} ${attempt}`, Date.now())
    await gate.promise
  }
  /** How far a time is from the start of a delivery. */
  const from = (delivery: string, time: number) => Math.abs(time - (startedAt.get(delivery) ?? 0))
  return { startedAt, gate, from, handlers: { counted } }
}

describe('since when an entry runs', () => {
  test('is told of what runs for longer than its lease, stays the same, and is not told of what waits', async ({
    lab,
  }) => {
    const { gate, from, handlers } = stuck(lab)
    const consumer = await lab.consumer({ handlers, leaseMs: LEASE_MS, concurrency: 1, maxBuffered: 1 })
    const producer = lab.producer()
    for (const id of ['runs', 'waits']) await producer.publish('counted', { n: 1 }, { id })
    const told = await untilTold(lab, 'runs')
    expect(told).toMatchObject({ consumer: consumer.name, attempt: 1 })
    expect(from('runs 1', told.since)).toBeLessThan(1_000)
    const isExtended = (state: Held) => Date.parse(state.leaseExtendedAt) > told.since + 4 * LEASE_MS
    const later = await untilTold(lab, 'runs', isExtended)
    expect(Math.abs(later.since - told.since)).toBeLessThan(500)
    const waiting = await lab.until('the other one is extended, too', async () => {
      const state = await find(lab, 'waits')
      return isExtended(state) && state
    })
    expect(waiting).toMatchObject({ type: 'held', consumer: consumer.name, runningSince: undefined })

    gate.resolve()
    await consumer.reports.until('both are acknowledged', (reports) => reports.settled('ack').length === 2)
    expect(await find(lab, 'runs')).toEqual({ type: 'acknowledged' })
    await lab.until('nothing is left in Redis', async () => !(await lab.send('EXISTS', runsKey(lab, consumer.name))))
  })

  test('is told of the consumer that has taken it over', async ({ lab }) => {
    const settings = { LEASE_MS: '1500', BLOCK_MS: '200', WORK_MS: '60000', LOG_LEVEL: 'error' }
    const victim = lab.worker('consumer', { ...settings, CONSUMER: 'victim' })
    const startOf = (consumer: string) =>
      lab.until(`${consumer} starts`, () => lab.ledger('started').find((start) => start.consumer === consumer))
    await lab.worker('producer', { BURST: '1', USERS: '1' }).exited()
    const { entryId, at } = await startOf('victim')
    const before = await untilTold(lab, entryId)
    expect(before).toMatchObject({ consumer: 'victim', attempt: 1 })
    expect(Math.abs(before.since - at)).toBeLessThan(1_000)
    lab.worker('consumer', { ...settings, CONSUMER: 'heir' })
    await lab.until('the heir joins', () => lab.ledger('joined').length === 2)
    victim.kill('SIGKILL')
    const start = await startOf('heir')
    const after = await untilTold(lab, entryId)
    expect(after).toMatchObject({ consumer: 'heir', attempt: 2 })
    expect(Math.abs(after.since - start.at)).toBeLessThan(1_000)
    lab.mayLeavePending = true
  })

  test('is told of the newer of two deliveries to one consumer, both of which run', async ({ lab }) => {
    const { gate, from, handlers } = stuck(lab)
    const consumer = await lab.consumer({ handlers, leaseMs: LEASE_MS, concurrency: 2 })
    const { entryId } = await lab.producer().publish('counted', { n: 1 }, { id: 'twice' })
    const before = await untilTold(lab, 'twice', ({ leaseExtendedAt, runningSince }) => {
      return Date.parse(leaseExtendedAt) > Date.parse(String(runningSince)) + 3 * LEASE_MS
    })
    await lab.bringBack([entryId], { deliveries: 1, idleMs: 60_000 })
    await consumer.reports.until('it notices', (reports) => reports.of('lease-lost').length === 1)
    const after = await untilTold(lab, 'twice')
    expect(after).toMatchObject({ consumer: consumer.name, attempt: 2 })
    expect(from('twice 2', after.since)).toBeLessThan(1_000)
    expect(after.since).toBeGreaterThan(before.since + 2 * LEASE_MS)
    gate.resolve()
    lab.mayLeavePending = true
  })

  test('is told of a crash suspect, while it runs alone and when it goes on beside others', async ({ lab }) => {
    const { gate, from, handlers } = stuck(lab)
    await lab.send('XGROUP', 'CREATE', lab.streamName, GROUP, '0', 'MKSTREAM')
    const { entryId } = await lab.producer().publish('counted', { n: 1 }, { id: 'suspect' })
    await lab.send('XREADGROUP', 'GROUP', GROUP, 'dead', 'STREAMS', lab.streamName, '>')
    await lab.bringBack([entryId], { deliveries: 2, idleMs: 60_000 })
    const consumer = await lab.consumer({ handlers, leaseMs: LEASE_MS })
    const alone = await untilTold(lab, 'suspect')
    expect(alone).toMatchObject({ consumer: consumer.name, owner: `${consumer.name}~alone`, attempt: 3 })
    const beside = await untilTold(lab, 'suspect', ({ owner }) => owner === consumer.name)
    for (const { since } of [alone, beside]) expect(from('suspect 3', since)).toBeLessThan(1_000)
    gate.resolve()
    lab.mayLeavePending = true
  })

  test('is told of more entries than one call extends', async ({ lab }) => {
    const { gate, startedAt, handlers } = stuck(lab)
    const count = 1_100
    const consumer = await lab.consumer({ handlers, leaseMs: 3_000, concurrency: count })
    const producer = lab.producer()
    await Promise.all(range(count).map((n) => producer.publish('counted', { n }, { id: `${n}` })))
    await lab.until('all run', () => startedAt.size === count)
    await lab.until('it is told of all', async () => (await lab.send('HLEN', runsKey(lab, consumer.name))) === count)
    // Between the calls of one extension, what the later ones note is missing.
    for (const id of ['0', '600', '1099']) await untilTold(lab, id)
    gate.resolve()
    lab.mayLeavePending = true
  })

  test('costs nothing while handlers are done before their leases are to be extended', async ({ lab }) => {
    const leaseMs = 6_000
    const handlers = { counted: () => new Promise<void>((resolve) => setTimeout(resolve, 20)) }
    const consumer = await lab.consumer({ handlers, leaseMs, concurrency: 100 })
    const producer = lab.producer()
    const startedAt = Date.now()
    // At least two looks at what is to be extended, in each of which something runs.
    while (Date.now() - startedAt < (2.2 * leaseMs) / 6) {
      await producer.publish('counted', { n: 1 })
      expect(await lab.send('EXISTS', runsKey(lab, consumer.name))).toBe(0)
    }
    expect(consumer.reports.settled('ack').length).toBeGreaterThan(10)
  })
})

describe('a note of what runs', () => {
  test('counts for the delivery that it was made of, and no other', async ({ lab }) => {
    lab.mayLeavePending = true
    await lab.send('XGROUP', 'CREATE', lab.streamName, GROUP, '0', 'MKSTREAM')
    const { entryId } = await lab.producer().publish('counted', { n: 1 })
    await lab.send('XREADGROUP', 'GROUP', GROUP, 'me', 'STREAMS', lab.streamName, '>')
    const key = runsKey(lab, 'me')
    const sinceOf = async (note: string) => {
      await lab.send('HSET', key, entryId, note)
      return (await find(lab, entryId)).runningSince
    }
    const at = Date.now()
    const since = new Date(at - 5_000).toISOString()
    const note = `1 ${at - 5_000} ${at + 60_000}`
    expect(await sinceOf(note)).toBe(since)
    expect(await sinceOf(`2 ${at - 5_000} ${at + 60_000}`)).toBeUndefined()
    // Noted before the entry was delivered: an earlier delivery, which was not charged.
    expect(await sinceOf(`1 ${at - 5_000} ${at - 60_000}`)).toBeUndefined()
    for (const word of ['', '1', '1 2', '1 x y', 'x']) expect(await sinceOf(word)).toBeUndefined()
    const claim = (owner: string) => lab.send('XCLAIM', lab.streamName, GROUP, owner, 0, entryId, 'JUSTID')
    await claim('another')
    expect(await sinceOf(note)).toBeUndefined()
    await claim('me~alone')
    expect(await sinceOf(note)).toBe(since)
    await claim('me')
    await lab.send('SET', key, 'mine')
    expect(await find(lab, entryId)).toMatchObject({ type: 'held', runningSince: undefined })
  })

  test('is made when Redis is out of memory, too: leases are extended', async ({ lab: shared }) => {
    const { lab } = await shared.ownRedis()
    const { gate, startedAt, handlers } = stuck(lab)
    const consumer = await lab.consumer({ handlers, leaseMs: LEASE_MS })
    await lab.producer().publish('counted', { n: 1 }, { id: 'runs' })
    await lab.until('it runs', () => startedAt.size === 1)
    await lab.send('CONFIG', 'SET', 'maxmemory', '1')
    await untilTold(lab, 'runs', ({ leaseExtendedAt, runningSince }) => {
      return Date.parse(leaseExtendedAt) > Date.parse(String(runningSince)) + 3 * LEASE_MS
    })
    gate.resolve()
    await consumer.reports.until('it is acknowledged', (reports) => reports.settled('ack').length === 1)
    expect(consumer.reports.of('lease-lost')).toEqual([])
  })

  test('that Redis refuses stops nothing', async ({ lab: shared }) => {
    const { redis, lab } = await shared.ownRedis()
    const { gate, startedAt, handlers } = stuck(lab)
    const { needed } = rights.consumer
    const others = [
      'lock:*',
      ...['scan', 'history', 'due', 'clock', 'controls', 'tally', 'takeovers'].map((word) => `*:${word}`),
    ]
    const keys = others.map((word) => `~{${lab.streamName}}:${word}`)
    const rules = commandRules('consumer', needed, lab.streamName).map((rule) =>
      rule.replace(`~{${lab.streamName}}:*:*`, keys.join(' ')),
    )
    await lab.send('ACL', 'SETUSER', 'narrow', 'on', 'nopass', ...keyRules(lab.streamName), ...rules)
    const consumer = await lab.consumer({
      ...{ redis: `redis://narrow:any@127.0.0.1:${redis.port}`, leaseMs: LEASE_MS, handlers },
    })
    await lab.producer().publish('counted', { n: 1 }, { id: 'runs' })
    const held = await lab.until('its lease is extended', async () => {
      const state = startedAt.size > 0 && (await find(lab, 'runs'))
      return state && Date.parse(state.leaseExtendedAt) > (startedAt.get('runs 1') ?? 0) + 3 * LEASE_MS && state
    })
    expect(held.runningSince).toBeUndefined()
    gate.resolve()
    await consumer.reports.until('it is acknowledged', (reports) => reports.settled('ack').length === 1)
    expect(consumer.reports.of('lease-lost')).toEqual([])
  })
})
