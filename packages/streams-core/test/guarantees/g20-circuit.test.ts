import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect } from 'vitest'
import { range } from '../support/events.ts'
import { GROUP, type Lab, test } from '../support/lab.ts'
import { latch } from '../support/latch.ts'

const circuit = { failureShare: 0.5, deliveries: 10, probeEveryMs: 300 }

function publish(lab: Lab, count: number) {
  const producer = lab.producer()
  return Promise.all(range(count).map((n) => producer.publish('counted', { n })))
}

describe('G20: a circuit that was closed', () => {
  test('is not opened again by handlers that began before', async ({ lab }) => {
    const [allRun, late] = [latch(), latch()]
    let calls = 0
    const counted = async ({ data }: { data: { n: number } }, { attempt }: { attempt: number }) => {
      if (attempt > 1) return
      calls += 1
      if (calls === 20) allRun.resolve()
      await (data.n < 10 ? allRun.promise : late.promise)
      throw new Error('the API is down')
    }
    const consumer = await lab.consumer({
      circuit,
      concurrency: 20,
      retry: { delayMs: () => 100 },
      handlers: { counted },
    })
    await publish(lab, 20)
    await consumer.reports.until('a probe closes it', (reports) => reports.of('circuit-closed').length === 1)
    late.resolve()
    await consumer.reports.until('all are handled', (reports) => reports.settled('ack').length === 20)
    expect(consumer.reports.of('circuit-opened')).toHaveLength(1)
  })
})

describe('G20: an open circuit', () => {
  /** A consumer whose circuit is open, and `count` retries of which are due. */
  async function openCircuit(lab: Lab, count = 10) {
    const api = { isUp: false }
    const counted = () => {
      if (!api.isUp) throw new Error('the API is down')
    }
    const consumer = await lab.consumer({ circuit, retry: { delayMs: () => 100 }, handlers: { counted } })
    await publish(lab, count)
    await consumer.reports.until('it opens', (reports) => reports.of('circuit-opened').length === 1)
    const acks = () => consumer.reports.settled('ack').length
    return { api, consumer, acks }
  }

  test('probes a retry that is due, however many due times without an entry are in front of it', async ({ lab }) => {
    const { api, acks } = await openCircuit(lab)
    const stale = range(450).flatMap((n) => [String(n), `1-${n + 1}`])
    await lab.send('ZADD', `{${lab.streamName}}:${GROUP}:due`, ...stale)
    api.isUp = true
    await lab.until('all are handled', () => acks() === 10)
  })

  test('spends no probe on new entries of a paused event type', async ({ lab }) => {
    const { api, consumer, acks } = await openCircuit(lab)
    const controls = lab.openControls()
    await controls.pause({ eventType: 'noted' })
    await sleep(2 * circuit.probeEveryMs)
    const noted = lab.producer()
    await Promise.all(range(120).map(() => noted.publish('noted', { text: '' })))
    const probed = () => consumer.reports.of('circuit-probed')
    const before = probed().length
    await lab.until('a retry is probed', () => probed().length >= before + 2)
    expect(probed().filter(({ verdict }) => verdict === 'none')).toEqual([])
    expect((await lab.group()).pausedTypes[0]?.setAside).toBe(120)
    api.isUp = true
    await lab.until('all are handled', () => acks() === 10)
    await controls.resume({ eventType: 'noted' })
    await lab.until('these, too', () => acks() === 130)
    const attempts = consumer.reports.settled('ack').filter(({ eventType }) => eventType === 'noted')
    expect(new Set(attempts.map(({ attempt }) => attempt))).toEqual(new Set([1]))
  })
})
