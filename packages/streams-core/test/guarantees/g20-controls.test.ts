import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect } from 'vitest'
import { batch, type EventOf, openControls, reject, retryAfter, type SettledReport, skip } from '../../src/index.ts'
import { foreignEntry, mostInASecond, range, type TestCatalog } from '../support/events.ts'
import { GROUP, type Lab, test } from '../support/lab.ts'
import { latch } from '../support/latch.ts'

/** Within this time every consumer has seen a change. */
const SEEN_MS = 1_000

const attemptsOf = (reports: readonly SettledReport[]) => new Set(reports.map(({ attempt }) => attempt))

/** Publishes events that are numbered from `first` on. */
function publish(lab: Lab, count: number, first = 0) {
  const producer = lab.producer({ maxBuffered: 200_000, dedupeMs: 0 })
  return Promise.all(range(count).map((n) => producer.publish('counted', { n: first + n })))
}

describe('G20: a paused group', () => {
  test('finishes what runs, starts nothing more, charges nothing, and goes on', async ({ lab }) => {
    const gate = latch()
    const started: number[] = []
    const counted = async ({ data }: { data: { n: number } }) => {
      started.push(data.n)
      if (data.n === 0) await gate.promise
    }
    const consumer = await lab.consumer({ concurrency: 1, maxBuffered: 10, handlers: { counted } })
    await publish(lab, 30)
    await lab.until('1 event runs and 10 wait', async () => (await lab.group()).pending === 11)
    const controls = lab.openControls()
    await controls.pause({ reason: 'the bank is down' })
    await lab.until('what waited is released', async () => (await lab.group()).waitingForRetry === 10)
    expect(await lab.group()).toMatchObject({ pending: 1, lag: 19 })
    gate.resolve()
    await consumer.reports.until('what runs is finished', (reports) => reports.settled('ack').length === 1)
    // A round of every loop, and the end of a blocking read.
    await sleep(2_500)
    expect(started).toEqual([0])
    expect(await lab.group()).toMatchObject({ pending: 0, waitingForRetry: 10, lag: 19 })
    expect(consumer.reports.of('paused')).toMatchObject([{ by: 'operator', reason: 'the bank is down' }])

    await controls.resume()
    await consumer.reports.until('all are handled', (reports) => reports.settled('ack').length === 30)
    expect(started.toSorted((a, b) => a - b)).toEqual(range(30))
    expect(attemptsOf(consumer.reports.settled('ack'))).toEqual(new Set([1]))
    expect(consumer.reports.of('resumed')).toHaveLength(1)
  })

  test('has consumers that show that they live, although they read nothing', async ({ lab }) => {
    const leaseMs = 1_000
    const options = { leaseMs, blockMs: 200 }
    const consumers = [await lab.consumer(options), await lab.consumer(options)]
    const groups = lab.openGroups(leaseMs)
    await lab.openControls().pause()
    for (const { reports } of consumers) await reports.until('it is paused', (all) => all.of('paused').length === 1)
    await publish(lab, 3)
    await sleep(2 * leaseMs)
    const names = consumers.map(({ name }) => name).sort()
    await lab.until('each shows that it lives', async () => {
      const { consumers: seen } = await lab.group()
      return seen.filter(({ idleMs }) => idleMs < leaseMs / 2).length === names.length
    })
    expect(await lab.group()).toMatchObject({ lag: 3, pending: 0 })
    expect((await groups.replay(GROUP, { from: 'end', dryRun: true })).atWork.sort()).toEqual(names)
  })

  test('gives back a batch that gathers; what comes later gathers in another one', async ({ lab }) => {
    const gate = latch()
    const sizes: number[] = []
    const handle = async (events: readonly EventOf<TestCatalog, 'counted'>[]) => {
      sizes.push(events.length)
      if (sizes.length === 1) await gate.promise
    }
    const counted = batch({ maxSize: 10, maxWaitMs: 50, handle })
    const consumer = await lab.consumer({ concurrency: 1, maxBuffered: 10, handlers: { counted } })
    await publish(lab, 1)
    await lab.until('a batch runs', () => sizes.length === 1)
    await publish(lab, 2, 1)
    await lab.until('two events gather', async () => (await lab.group()).pending === 3)
    const controls = lab.openControls()
    await controls.pause()
    await lab.until('they are released', async () => (await lab.group()).waitingForRetry === 2)
    gate.resolve()
    await controls.resume()
    await publish(lab, 2, 3)
    await consumer.reports.until('all are handled', (reports) => reports.settled('ack').length === 5)
    expect(attemptsOf(consumer.reports.settled('ack'))).toEqual(new Set([1]))
  })

  test('releases what a read still brings', async ({ lab: outer }) => {
    const { lab } = await outer.ownRedis()
    // Without this right, a blocking read that waits is not ended by the pause.
    await lab.send('ACL', 'SETUSER', 'consumer', '-client|unblock')
    const started: number[] = []
    const consumer = await lab.consumer({
      ...{ leaseMs: 90_000, blockMs: 30_000 },
      handlers: { counted: ({ data }) => void started.push(data.n) },
    })
    const controls = lab.openControls()
    await controls.pause()
    await consumer.reports.until('the pause is seen', (reports) => reports.of('paused').length === 1)
    await publish(lab, 3)
    await lab.until('they are released', async () => (await lab.group()).waitingForRetry === 3)
    expect(started).toEqual([])
    await controls.resume()
    await consumer.reports.until('all are handled', (reports) => reports.settled('ack').length === 3)
    expect(attemptsOf(consumer.reports.settled('ack'))).toEqual(new Set([1]))
  })

  test('starts nothing in any process, whatever is killed or restarted meanwhile', async ({ lab: shared }) => {
    const { redis, lab } = await shared.ownRedis()
    const settings = { CONCURRENCY: '4', LEASE_MS: '1000', BLOCK_MS: '500', LOG_LEVEL: 'error', WORK_MS: '50' }
    const workers = ['a', 'b', 'c'].map((name) => lab.worker('consumer', { ...settings, CONSUMER: name }))
    await lab.until('3 consumers join', () => lab.ledger('joined').length === 3)
    await lab.worker('producer', { BURST: '400', USERS: '2' }).exited()
    await lab.until('some are handled', () => lab.ledger('returned').length > 20)
    const controls = lab.openControls()
    await controls.pause()
    const pausedAt = Date.now()
    await sleep(SEEN_MS)
    await lab.until('nothing runs', () => lab.ledger('started').length === lab.ledger('returned').length)
    const startedBefore = lab.ledger('started').length

    workers[0]?.kill('SIGKILL')
    await sleep(SEEN_MS)
    await redis.restart()
    lab.worker('consumer', { ...settings, CONSUMER: 'd' })
    await lab.until('the new consumer joins', () => lab.ledger('joined').length === 4)
    await workers[1]?.stop()
    // Every lease is over, and every consumer has scanned the group several times.
    await sleep(3 * SEEN_MS)
    expect(lab.ledger('started').filter(({ at }) => at > pausedAt + SEEN_MS)).toEqual([])
    expect(startedBefore).toBeLessThan(400)
    expect((await lab.group()).paused).toMatchObject({ by: 'operator' })

    await controls.resume()
    await lab.until('all are handled', () => lab.ledger('returned').length === 400)
    expect(new Set(lab.ledger('returned').map(({ id }) => id)).size).toBe(400)
    expect(new Set(lab.ledger('started').map(({ attempt }) => attempt))).toEqual(new Set([1]))
  })

  test('lets retries become due, and delivers them after it', async ({ lab }) => {
    const consumer = await lab.consumer({
      retry: { delayMs: () => 1_500 },
      handlers: { counted: (_, { attempt }) => (attempt === 1 ? Promise.reject(new Error('once')) : undefined) },
    })
    const controls = lab.openControls()
    await publish(lab, 5)
    await consumer.reports.until('5 events fail', (reports) => reports.settled('retry').length === 5)
    await controls.pause()
    await consumer.reports.until('it is paused', (reports) => reports.of('paused').length === 1)
    const acknowledgedWhenPaused = consumer.reports.settled('ack').length
    const claimedWhenPaused = consumer.reports.of('claimed').length
    await sleep(3 * SEEN_MS)
    expect(consumer.reports.settled('ack')).toHaveLength(acknowledgedWhenPaused)
    expect(consumer.reports.of('claimed')).toHaveLength(claimedWhenPaused)
    await controls.resume()
    await consumer.reports.until('all are handled', (reports) => reports.settled('ack').length === 5)
    expect(attemptsOf(consumer.reports.settled('ack'))).toEqual(new Set([2]))
  })

  test('is seen by a consumer that has no room to claim, and its consumers stay ready', async ({ lab }) => {
    const gate = latch()
    const consumer = await lab.consumer({
      concurrency: 1,
      stalledAfterMs: 1_000,
      retry: { delayMs: () => 0 },
      handlers: { counted: ({ data }) => (data.n === 0 ? gate.promise : undefined), noted: () => gate.promise },
    })
    await lab.producer().publish('noted', { text: 'runs' })
    await lab.until('one event runs', async () => (await lab.group()).pending === 1)
    await publish(lab, 1)
    const controls = lab.openControls()
    await controls.pause()
    await consumer.reports.until('it is paused', (reports) => reports.of('paused').length === 1)
    const told = () => consumer.reports.of('health').map(({ ready }) => ready)
    await sleep(3_000)
    expect(told().at(-1)).toBe(true)
    gate.resolve()
    await controls.resume()
    await consumer.reports.until('all are handled', (reports) => reports.settled('ack').length === 2)
    expect(told().at(-1)).toBe(true)
  })

  test('can be stopped, and a consumer that starts in it reads nothing', async ({ lab }) => {
    const first = await lab.consumer()
    const controls = lab.openControls()
    await controls.pause()
    await first.reports.until('it is paused', (reports) => reports.of('paused').length === 1)
    await publish(lab, 5)
    await first.stop()
    const second = await lab.consumer()
    await sleep(SEEN_MS)
    expect(await lab.group()).toMatchObject({ lag: 5, pending: 0, waitingForRetry: 0 })
    await controls.resume()
    await second.reports.until('all are handled', (reports) => reports.settled('ack').length === 5)
  })
})

describe('G20: a paused event type', () => {
  test('is set aside once and uncharged, while others go on, and goes on after it', async ({ lab }) => {
    const COUNT = 5_000
    const consumers = [await lab.consumer(), await lab.consumer()]
    const controls = lab.openControls()
    await controls.pause({ eventType: 'counted', reason: 'its API is down' })
    for (const { reports } of consumers) await reports.until('it is paused', (all) => all.of('paused').length === 1)
    await publish(lab, COUNT)
    const setAside = async () => (await lab.group()).pausedTypes[0]?.setAside
    await lab.until('all are set aside', async () => (await setAside()) === COUNT)
    const noted = lab.producer()
    await Promise.all(range(100).map(() => noted.publish('noted', { text: '' })))
    const settled = (type: 'ack' | 'release') => consumers.flatMap(({ reports }) => reports.settled(type))
    await lab.until('the others are handled', () => settled('ack').length === 100)
    // Several scans of every consumer.
    await sleep(3 * SEEN_MS)
    expect(settled('release')).toHaveLength(COUNT)
    expect(new Set(settled('release').map(({ result }) => result))).toEqual(new Set(['paused']))
    expect(consumers.flatMap(({ reports }) => reports.of('claimed'))).toEqual([])
    expect(await lab.group()).toMatchObject({ lag: 0, pending: 0, waitingForRetry: 0 })

    await controls.resume({ eventType: 'counted' })
    await lab.until('all are handled', () => settled('ack').length === COUNT + 100)
    expect(attemptsOf(settled('ack'))).toEqual(new Set([1]))
    for (const { reports } of consumers) {
      expect(Math.max(...reports.of('claimed').map(({ entryIds }) => entryIds.length))).toBeLessThanOrEqual(500)
    }
  })

  test('leaves no entry behind that a consumer sets aside after the end of the pause', async ({ lab }) => {
    const consumer = await lab.consumer()
    const controls = lab.openControls()
    for (const n of range(10)) {
      await controls.pause({ eventType: 'counted' })
      await consumer.reports.until('it is paused', (reports) => reports.of('paused').length === n + 1)
      await Promise.all([controls.resume({ eventType: 'counted' }), publish(lab, 20)])
      const total = 20 * (n + 1)
      await consumer.reports.until('all are handled', (reports) => reports.settled('ack').length === total)
    }
    expect(consumer.reports.settled('release').length).toBeGreaterThan(0)
  })

  test('charges no retry, runs no crash suspect, and judges no entry', async ({ lab }) => {
    const consumer = await lab.consumer({ leaseMs: 1_000 })
    const controls = lab.openControls()
    const entries = await publish(lab, 3)
    await consumer.reports.until('3 are handled', (reports) => reports.settled('ack').length === 3)
    await controls.pause({ eventType: 'counted' })
    await consumer.reports.until('it is paused', (reports) => reports.of('paused').length === 1)
    await lab.bringBack([entries[0]?.entryId as string], { deliveries: 1, idleMs: 10_000 })
    await lab.bringBack([entries[1]?.entryId as string], { deliveries: 3, idleMs: 10_000 })
    // Its data fits no schema.
    await lab.send('XADD', lab.streamName, '*', 'id', 'x', 'type', 'counted', 'source', '/', 'time', '', 'data', 'no')
    await lab.until('3 are set aside', async () => (await lab.group()).pausedTypes[0]?.setAside === 3)
    const noted = lab.producer()
    await noted.publish('noted', { text: '' })
    await consumer.reports.until('the other one is handled', (reports) => reports.settled('ack').length === 4)
    await sleep(2 * SEEN_MS)
    expect(consumer.reports.of('quarantined')).toEqual([])
    expect((await lab.group()).deadLetters).toBe(0)

    await controls.resume({ eventType: 'counted' })
    await consumer.reports.until('all are handled', (reports) => reports.settled('ack').length === 6)
    const again = consumer.reports.settled('ack').slice(4)
    expect(again.map(({ entryId, attempt }) => [entryId, attempt]).sort()).toEqual([
      [entries[0]?.entryId, 2],
      [entries[1]?.entryId, 4],
    ])
    await consumer.reports.until('the malformed one dies', (reports) => reports.settled('dead-letter').length === 1)
  })
})

describe('G20: a limit', () => {
  test('holds across processes in every second, and whoever waits for it may be killed', async ({ lab }) => {
    const settings = { CONCURRENCY: '8', LEASE_MS: '1000', LOG_LEVEL: 'error', WORK_MS: '5', MAX_DELIVERIES: '20' }
    const workers = range(3).map(() => lab.worker('consumer', settings))
    await lab.until('3 consumers join', () => lab.ledger('joined').length === 3)
    const controls = lab.openControls()
    await controls.limit(25)
    await sleep(SEEN_MS)
    await lab.worker('producer', { BURST: '150', USERS: '2' }).exited()
    await lab.until('a third is handled', () => lab.ledger('returned').length > 50)
    workers[0]?.kill('SIGKILL')
    const handled = () => new Set(lab.ledger('returned').map(({ id }) => id)).size
    await lab.until('all are handled', () => handled() === 150)
    const started = lab.ledger('started').map(({ at }) => at)
    expect(mostInASecond(started)).toBeLessThanOrEqual(25)
    expect(new Set(lab.ledger('started').map(({ consumer }) => consumer)).size).toBe(3)
  })

  test('lets a consumer hold no more than may start soon, and counts retries', async ({ lab }) => {
    const started: number[] = []
    const counted = (_: unknown, { attempt }: { attempt: number }) => {
      started.push(Date.now())
      if (attempt < 3) throw new Error('again')
    }
    const consumer = await lab.consumer({ retry: { delayMs: () => 0 }, handlers: { counted } })
    const controls = lab.openControls()
    await controls.limit(10)
    await consumer.reports.until('it is limited', (reports) => reports.of('limited').length === 1)
    await publish(lab, 10)
    const held: number[] = []
    await lab.until('all are handled', async () => {
      held.push((await lab.group()).pending)
      return consumer.reports.settled('ack').length === 10
    })
    expect(started).toHaveLength(30)
    expect(mostInASecond(started)).toBeLessThanOrEqual(10)
    // Half a second's worth, those that run, and those that are being settled.
    expect(Math.max(...held)).toBeLessThan(10)
  })

  test('may be a fraction, is removed at once, and loses to a pause', async ({ lab }) => {
    const started: number[] = []
    const counted = () => void started.push(Date.now())
    const consumer = await lab.consumer({ handlers: { counted } })
    const controls = lab.openControls()
    await controls.limit(0.5)
    await consumer.reports.until('it is limited', (reports) => reports.of('limited').length === 1)
    await publish(lab, 20)
    await consumer.reports.until('3 are handled', (reports) => reports.settled('ack').length === 3)
    const [first = 0, second = 0, third = 0] = started
    expect(second - first).toBeGreaterThanOrEqual(2_000)
    expect(third - second).toBeGreaterThanOrEqual(2_000)
    await controls.pause()
    await consumer.reports.until('it is paused', (reports) => reports.of('paused').length === 1)
    await lab.until('what waited for its start is released', async () => (await lab.group()).pending === 0)
    expect(started).toHaveLength(3)
    await controls.limit(undefined)
    await controls.resume()
    await consumer.reports.until('all are handled', (reports) => reports.settled('ack').length === 20)
    expect(attemptsOf(consumer.reports.settled('ack'))).toEqual(new Set([1]))
    expect(Date.now() - third).toBeLessThan(20_000)
  })

  test('counts each event of a batch, also of one that is halved', async ({ lab }) => {
    const started: number[] = []
    const handle = (events: readonly EventOf<TestCatalog, 'counted'>[]) => {
      const at = Date.now()
      started.push(...events.map(() => at))
      if (events.length > 1) throw new Error('not together')
    }
    const handlers = {
      counted: batch({ maxSize: 50, maxWaitMs: 500, handle }),
      noted: () => void started.push(Date.now()),
    }
    const consumer = await lab.consumer({ handlers })
    const controls = lab.openControls()
    await controls.limit(20)
    await consumer.reports.until('it is limited', (reports) => reports.of('limited').length === 1)
    const noted = lab.producer()
    await Promise.all([publish(lab, 20), ...range(10).map(() => noted.publish('noted', { text: '' }))])
    await consumer.reports.until('all are handled', (reports) => reports.settled('ack').length === 30)
    expect(started.length).toBeGreaterThan(30)
    expect(mostInASecond(started)).toBeLessThanOrEqual(20)
  })

  test('drains promptly', async ({ lab }) => {
    const consumer = await lab.consumer()
    const controls = lab.openControls()
    await controls.limit(0.01)
    await consumer.reports.until('it is limited', (reports) => reports.of('limited').length === 1)
    await publish(lab, 5)
    await consumer.reports.until('one is handled', (reports) => reports.settled('ack').length === 1)
    await lab.until('another one waits', async () => (await lab.group()).pending > 0)
    const { pending, lag } = await lab.group()
    await consumer.stop()
    expect(consumer.reports.of('stopped')).toMatchObject([{ unfinished: 0 }])
    expect(await lab.group()).toMatchObject({ pending: 0, waitingForRetry: pending, lag })
    await controls.limit(undefined)
    const heir = await lab.consumer()
    await heir.reports.until('all are handled', (reports) => reports.settled('ack').length === 4)
    expect(attemptsOf(heir.reports.settled('ack'))).toEqual(new Set([1]))
  })
})

describe('G20: a circuit', () => {
  const circuit = { failureShare: 0.5, deliveries: 10, probeEveryMs: 400 }

  /** Two consumers whose handlers fail while `api.isUp` is false. */
  async function startConsumers(lab: Lab) {
    const api = { isUp: true, calls: 0 }
    const counted = async () => {
      api.calls += 1
      await sleep(5)
      if (!api.isUp) throw new Error('the API is down')
    }
    const options = { circuit, concurrency: 4, retry: { maxDeliveries: 2, delayMs: () => 200 }, handlers: { counted } }
    const consumers = [await lab.consumer(options), await lab.consumer(options)]
    const all = <T>(of: (consumer: (typeof consumers)[number]) => T[]) => consumers.flatMap(of)
    return { api, consumers, all, acks: () => all(({ reports }) => reports.settled('ack')) }
  }

  test('after the failure that opens it no handler is called', async ({ lab }) => {
    let calls = 0
    const consumer = await lab.consumer({
      ...{ concurrency: 1, circuit: { ...circuit, probeEveryMs: 60_000 }, retry: { delayMs: () => 200 } },
      handlers: {
        counted() {
          calls += 1
          throw new Error('down')
        },
      },
    })
    await publish(lab, 50)
    await consumer.reports.until('it is paused', (reports) => reports.of('paused').length === 1)
    await lab.until('what waited is given back', async () => (await lab.group()).waitingForRetry > 0)
    expect(calls).toBe(circuit.deliveries)
    lab.mayLeavePending = true
  })

  test('charges only probes while the handlers fail, and goes on after the first that does not', async ({ lab }) => {
    const { api, all, acks } = await startConsumers(lab)
    await publish(lab, 20)
    await lab.until('20 are handled', () => acks().length === 20)
    api.isUp = false
    await publish(lab, 300)
    const probes = () => all(({ reports }) => reports.of('circuit-probed'))
    await lab.until('4 deliveries are probed', () => probes().length >= 4)
    expect(await lab.group()).toMatchObject({ paused: { by: 'circuit' }, deadLetters: 0 })
    const opened = all(({ reports }) => reports.of('circuit-opened'))
    expect(opened).toMatchObject([{ deliveries: 10 }])
    // What failed before the circuit was open, in both consumers; what ran at that moment; the probes.
    const failed = all(({ reports }) => reports.settled('retry'))
    expect(failed.length).toBeLessThanOrEqual(10 + 10 + 8 + probes().length)
    expect(attemptsOf(failed)).toEqual(new Set([1]))
    expect(all(({ reports }) => reports.of('paused')).map(({ by }) => by)).toEqual(['circuit', 'circuit'])

    api.isUp = true
    await lab.until('all are handled', () => acks().length === 320)
    expect((await lab.group()).paused).toBeUndefined()
    expect(await lab.deadLetters()).toEqual([])
    expect(all(({ reports }) => reports.of('circuit-closed'))).toHaveLength(1)
    expect(new Set(probes().map(({ entryId }) => entryId)).size).toBe(probes().length)
  })

  test('probes one delivery at a time in the whole group', async ({ lab }) => {
    const { api, all } = await startConsumers(lab)
    api.isUp = false
    await publish(lab, 100)
    await lab.until('the circuit is open', async () => (await lab.group()).paused?.by === 'circuit')
    await sleep(SEEN_MS)
    const before = api.calls
    const since = performance.now()
    await sleep(3_000)
    const most = Math.ceil((performance.now() - since) / circuit.probeEveryMs) + 1
    expect(api.calls - before).toBeGreaterThan(1)
    expect(api.calls - before).toBeLessThanOrEqual(most)
    expect(all(({ reports }) => reports.of('circuit-probed')).every(({ verdict }) => verdict === 'failure')).toBe(true)
    api.isUp = true
    await lab.until('all are handled', async () => {
      const { lag, pending, waitingForRetry } = await lab.group()
      return lag + pending + waitingForRetry === 0
    })
    expect(await lab.deadLetters()).toEqual([])
  })

  test('is closed by resume, and outlasted by the pause of an operator', async ({ lab }) => {
    const { api, all, acks } = await startConsumers(lab)
    const controls = lab.openControls()
    api.isUp = false
    await publish(lab, 60)
    await lab.until('the circuit is open', async () => (await lab.group()).paused?.by === 'circuit')
    await controls.pause({ reason: 'by hand' })
    expect(await controls.state()).toMatchObject({ paused: { by: 'operator', reason: 'by hand' } })
    await sleep(SEEN_MS)
    const calls = api.calls
    api.isUp = true
    await sleep(3 * circuit.probeEveryMs)
    expect(api.calls).toBe(calls)
    await controls.resume()
    expect((await controls.state()).paused).toBeUndefined()
    await lab.until('all are handled', () => acks().length === 60)
    expect(all(({ reports }) => reports.of('circuit-closed'))).toEqual([])
  })

  test('stays closed where handlers skip, reject or get what is malformed', async ({ lab }) => {
    const handlers = { counted: ({ data }: { data: { n: number } }) => (data.n % 2 ? skip('odd') : reject('even')) }
    const consumer = await lab.consumer({ circuit, handlers })
    await publish(lab, 40)
    for (const _ of range(20)) await lab.send('XADD', lab.streamName, '*', 'no', 'event')
    await consumer.reports.until('all are settled', (reports) => reports.settled().length === 60)
    expect((await lab.group()).paused).toBeUndefined()
    expect(consumer.reports.of('circuit-opened')).toEqual([])
  })

  test('opens for handlers that take too long or ask for a delay', async ({ lab }) => {
    const counted = ({ data }: { data: { n: number } }) => (data.n % 2 ? retryAfter(100) : new Promise(() => {}))
    const consumer = await lab.consumer({ circuit, handlerTimeoutMs: 50, handlers: { counted } })
    await publish(lab, 20)
    await consumer.reports.until('it opens', (reports) => reports.of('circuit-opened').length === 1)
    lab.mayLeavePending = true
  })
})

describe('G20: controls', () => {
  test('are told by inspectStream, and set only for a group that exists', async ({ lab }) => {
    const controls = lab.openControls()
    const missing = { code: 'NO_SUCH_GROUP', name: 'NoSuchGroupError' }
    await expect(controls.pause()).rejects.toMatchObject(missing)
    await lab.send('XGROUP', 'CREATE', lab.streamName, GROUP, '0', 'MKSTREAM')
    const other = lab.openControls('no_such_group')
    await expect(other.pause()).rejects.toMatchObject(missing)
    await expect(other.pause({ eventType: 'counted' })).rejects.toMatchObject(missing)
    await expect(other.limit(5)).rejects.toMatchObject(missing)
    await expect(other.resume()).resolves.toBeUndefined()

    const before = Date.now() - 1_000
    await controls.pause({ reason: 'one reason' })
    const { paused } = await controls.state()
    expect(Date.parse(paused?.since ?? '')).toBeGreaterThan(before)
    await controls.pause({ reason: 'another reason: with a colon' })
    await controls.pause({ eventType: 'noted' })
    await controls.pause({ eventType: 'counted', reason: 'why' })
    // Again, without a reason: that of the first time stays.
    await controls.pause()
    await controls.pause({ eventType: 'counted' })
    await controls.limit(0.5)
    const types = [
      { eventType: 'counted', since: expect.any(String), reason: 'why' },
      { eventType: 'noted', since: expect.any(String), reason: undefined },
    ]
    const state = {
      paused: { by: 'operator', since: paused?.since, reason: 'another reason: with a colon' },
      pausedTypes: types,
      limitPerSecond: 0.5,
    }
    expect(await controls.state()).toEqual(state)
    const inspected = { ...state, pausedTypes: types.map((type) => ({ ...type, setAside: 0 })) }
    expect(await lab.group()).toMatchObject(inspected)
    // An empty reason is none.
    await controls.pause({ reason: '' })
    expect((await controls.state()).paused).toEqual(state.paused)
    await controls.resume()
    await controls.limit(undefined)
    expect(await controls.state()).toEqual({ ...state, paused: undefined, limitPerSecond: undefined })
    await controls.resume({ eventType: 'counted' })
    await controls.resume({ eventType: 'noted' })
    expect(await lab.send('EXISTS', `{${lab.streamName}}:${GROUP}:controls`)).toBe(0)
  })

  test('say which event types are known: of the newest entries, and of what is paused', async ({ lab }) => {
    await lab.send('XGROUP', 'CREATE', lab.streamName, GROUP, '0', 'MKSTREAM')
    const controls = lab.openControls()
    expect(await controls.knownTypes()).toEqual([])
    await lab.send('XADD', lab.streamName, '*', ...foreignEntry({ type: 'older' }))
    await publish(lab, 999)
    await lab.send('XADD', lab.streamName, '*', 'hello', 'world')
    await controls.pause({ eventType: 'noted' })
    expect(await controls.knownTypes()).toEqual(['counted', 'noted'])
    await lab.send('XADD', lab.streamName, '*', ...foreignEntry({ type: 'foreign' }))
    expect(await controls.knownTypes()).toEqual(['counted', 'foreign', 'noted'])
    // Large entries: not so many are looked at that they would hold Redis up.
    const data = 'x'.repeat(30_000)
    for (const _ of range(50)) await lab.send('XADD', lab.streamName, '*', ...foreignEntry({ type: 'large', data }))
    expect(await controls.knownTypes()).toEqual(['large', 'noted'])
  })

  test('are checked before anything is sent', async ({ lab }) => {
    const invalid = { code: 'INVALID_OPTION' }
    const open = (options: object) => () => openControls(lab.stream(), { redis: lab.url, group: GROUP, ...options })
    expect(open({ group: 'a b' })).toThrow('openControls: group: 1 to 128 letters')
    const controls = lab.openControls()
    for (const perSecond of [0, -1, 1.5, 10_001, Number.NaN, 0.0001]) {
      await expect(controls.limit(perSecond)).rejects.toMatchObject(invalid)
    }
    await expect(controls.limit(2.5)).rejects.toThrow('limit: perSecond: a whole number, or less than 1 (got 2.5)')
    await expect(controls.pause({ eventType: '' })).rejects.toMatchObject(invalid)
    await expect(controls.pause({ reason: 'x'.repeat(501) })).rejects.toMatchObject(invalid)
  })
})
