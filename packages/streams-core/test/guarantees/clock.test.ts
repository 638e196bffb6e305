import { RedisServer, ShiftedClock } from '@redis-streams-processor/testbed'
import { describe, expect } from 'vitest'
import { range } from '../support/events.ts'
import { GROUP, Lab, test } from '../support/lab.ts'
import { latch } from '../support/latch.ts'

/** A Redis whose clock can be set. */
async function shiftable(shared: Lab) {
  const clock = new ShiftedClock()
  shared.onClose(async () => clock.close())
  const redis = await RedisServer.start([], clock.env)
  shared.onClose(() => redis.stop())
  const lab = new Lab(redis.url)
  shared.onClose(() => lab.close())
  return { clock, lab }
}

const jumps = (reports: { of(kind: 'time-jumped'): { byMs: number }[] }) => reports.of('time-jumped')

describe.skipIf(!ShiftedClock.isPossible)("G3, G4, G5: somebody sets Redis' clock", () => {
  test('ahead by a minute: what living consumers run starts nowhere else', async ({ lab: shared }) => {
    const { clock, lab } = await shiftable(shared)
    const gate = latch()
    const starts: number[] = []
    const options = {
      leaseMs: 2_000,
      concurrency: 4,
      maxBuffered: 0,
      handlers: {
        counted: async ({ data }: { data: { n: number } }) => {
          starts.push(data.n)
          await gate.promise
        },
      },
    }
    const consumers = [await lab.consumer(options), await lab.consumer(options)]
    const producer = lab.producer()
    await Promise.all(range(6).map((n) => producer.publish('counted', { n })))
    await lab.until('6 events start', () => starts.length === 6)
    clock.set(60)
    const isTold = () => consumers.some(({ reports }) => jumps(reports).some(({ byMs }) => byMs > 50_000))
    await lab.until('a consumer notices', isTold)
    // In one lease more, whoever would claim has claimed.
    await new Promise((resolve) => setTimeout(resolve, options.leaseMs))
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
