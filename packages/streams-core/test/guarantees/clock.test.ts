import { ShiftedClock } from '@redis-streams-processor/testbed'
import { describe, expect } from 'vitest'
import { Connection } from '../../src/broker/connection.ts'
import { IntakeBroker } from '../../src/broker/intake.ts'
import { Keys } from '../../src/broker/keys.ts'
import { Member } from '../../src/broker/member.ts'
import { range } from '../support/events.ts'
import { GROUP, type Lab, test } from '../support/lab.ts'
import { latch } from '../support/latch.ts'

/** A Redis whose clock can be set. */
async function shiftable(shared: Lab) {
  const clock = new ShiftedClock()
  shared.onClose(async () => clock.close())
  const { lab } = await shared.ownRedis([], clock.env)
  return { clock, lab }
}

const jumps = (reports: { of(kind: 'time-jumped'): { byMs: number }[] }) => reports.of('time-jumped')

describe.skipIf(!ShiftedClock.isPossible)("G3, G4, G5: somebody sets Redis' clock", () => {
  test('ahead by a minute: what living consumers run starts nowhere else', async ({ lab: shared }) => {
    const { clock, lab } = await shiftable(shared)
    const gate = latch()
    const starts: number[] = []
    const options = {
      // So long that the next scan comes before the next extension of a lease.
      leaseMs: 12_000,
      concurrency: 4,
      maxBuffered: 0,
      handlers: {
        counted: async ({ data }: { data: { n: number } }) => {
          starts.push(data.n)
          await gate.promise
        },
      },
    }
    // Redis seems to have been up for a minute, so that nobody holds off because it was started just now.
    clock.set(60)
    const consumers = [await lab.consumer(options), await lab.consumer(options)]
    const producer = lab.producer()
    await Promise.all(range(6).map((n) => producer.publish('counted', { n })))
    await lab.until('6 events start', () => starts.length === 6)
    clock.set(120)
    const isTold = () => consumers.some(({ reports }) => jumps(reports).some(({ byMs }) => byMs > 50_000))
    await lab.until('a consumer notices', isTold)
    // Until then each consumer has scanned again, and more than once.
    await new Promise((resolve) => setTimeout(resolve, 4_000))
    gate.resolve()
    await lab.until('every entry is acknowledged', async () => (await lab.group()).pending === 0)
    expect(starts).toHaveLength(6)
    expect(consumers.flatMap(({ reports }) => reports.of('claimed'))).toEqual([])
  })

  test('back by five minutes: what a dead consumer held, and a retry, do not wait for so long', async ({
    lab: shared,
  }) => {
    const { clock, lab } = await shiftable(shared)
    await lab.send('XGROUP', 'CREATE', lab.streamName, GROUP, '0', 'MKSTREAM')
    const producer = lab.producer()
    await producer.publish('counted', { n: 1 })
    await lab.send('XREADGROUP', 'GROUP', GROUP, 'dead', 'STREAMS', lab.streamName, '>')
    await producer.publish('noted', { text: 'fails once' })
    const consumer = await lab.consumer({
      leaseMs: 2_000,
      retry: { delayMs: () => 3_000 },
      handlers: {
        noted: (_, { attempt }) => {
          if (attempt === 1) throw new Error('once')
        },
      },
    })
    await consumer.reports.until('an event waits for its retry', (reports) => reports.settled('retry').length === 1)
    clock.set(-300)
    await consumer.reports.until('the consumer acknowledges both', (reports) => reports.settled('ack').length === 2)
    expect(jumps(consumer.reports).some(({ byMs }) => byMs < -250_000)).toBe(true)
  })
})

describe.skipIf(!ShiftedClock.isPossible)("G10: somebody sets Redis' clock", () => {
  const WINDOW = { dedupeMs: 60_000 }
  const publish = (producer: ReturnType<Lab['producer']>, id: string) => producer.publish('counted', { n: 1 }, { id })

  /** Valkey looks at the clock a few times a second, and counts on from there. */
  async function settable(shared: Lab) {
    const { clock, lab } = await shiftable(shared)
    const set = async (shift: number) => {
      clock.set(shift)
      await lab.until('scripts see the clock', async () => {
        const [seconds] = await lab.send<[string]>('EVAL', "return redis.call('TIME')", 0)
        return Math.abs(Number(seconds) - Date.now() / 1_000 - shift) < 3
      })
    }
    return { set, lab }
  }

  test('back: event ids are remembered for their window', async ({ lab: shared }) => {
    const { set, lab } = await settable(shared)
    const producer = lab.producer(WINDOW)
    await publish(producer, 'early')
    await set(-3_600)
    expect(await publish(producer, 'early')).toMatchObject({ duplicate: true })
    await publish(producer, 'late')
    await set(-3_600 + 59)
    expect(await publish(producer, 'late')).toMatchObject({ duplicate: true })
  })

  test('back: no event id is remembered until the clock is where it was', async ({ lab: shared }) => {
    const { set, lab } = await settable(shared)
    const producer = lab.producer(WINDOW)
    await publish(producer, 'early')
    await set(-3_600)
    await publish(producer, 'late')
    await set(-3_600 + 130)
    expect(await publish(producer, 'early')).toMatchObject({ duplicate: false })
    expect(await publish(producer, 'late')).toMatchObject({ duplicate: false })
  })

  test('back again and again: no event id is forgotten early', async ({ lab: shared }) => {
    const { set, lab } = await settable(shared)
    const producer = lab.producer(WINDOW)
    for (const shift of [0, -50, -20, -70, -40, -3_600]) {
      await set(shift)
      await publish(producer, `at ${shift}`)
      expect(await publish(producer, 'at 0')).toMatchObject({ duplicate: true })
    }
  })

  test('ahead, by less than the window: event ids are remembered; by more: they are forgotten', async ({
    lab: shared,
  }) => {
    const { set, lab } = await settable(shared)
    const producer = lab.producer(WINDOW)
    await publish(producer, 'early')
    await set(50)
    expect(await publish(producer, 'early')).toMatchObject({ duplicate: true })
    await set(3_600)
    expect(await publish(producer, 'early')).toMatchObject({ duplicate: false })
    await set(0)
    expect(await publish(producer, 'early')).toMatchObject({ duplicate: true })
  })
})

describe('G3: Redis hangs', () => {
  test('a scan that waited in the socket meanwhile takes over no lease', async ({ lab: shared }) => {
    const { redis, lab } = await shared.ownRedis()
    lab.mayLeavePending = true
    const connection = new Connection({ redis: redis.url, name: 'scanning' })
    lab.onClose(() => connection.close())
    await connection.ready()
    await lab.send('XGROUP', 'CREATE', lab.streamName, GROUP, '0', 'MKSTREAM')
    const leaseMs = 1_000
    const member = new Member(connection, new Keys(lab.streamName), { group: GROUP, consumer: 'scanning', leaseMs })
    const intake = new IntakeBroker(member)
    const scan = () => intake.claim({ limit: 10, maxDeliveries: 5, holdsOff: false, delayMs: 0, lockMs: 1 })
    await lab.producer().publish('counted', { n: 1 })
    await lab.send('XREADGROUP', 'GROUP', GROUP, 'owner', 'STREAMS', lab.streamName, '>')
    expect(await scan()).toMatchObject({ entries: [], lateMs: 0 })

    await redis.freeze()
    const waiting = scan()
    await new Promise((resolve) => setTimeout(resolve, 1.5 * leaseMs))
    await redis.thaw()
    const late = await waiting
    expect(late.entries).toEqual([])
    expect(late.lateMs).toBeGreaterThan(leaseMs)
    // The next scan is in time.
    expect(await scan()).toMatchObject({ lateMs: 0, entries: [{ attempt: 2 }] })
  })
})
