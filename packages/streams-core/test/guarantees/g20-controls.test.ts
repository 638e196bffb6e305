import { describe, expect } from 'vitest'
import { range } from '../support/events.ts'
import { test } from '../support/lab.ts'

describe('smoke', () => {
  test('pause and resume', async ({ lab }) => {
    const handled: number[] = []
    const consumer = await lab.consumer({ handlers: { counted: ({ data }) => void handled.push(data.n) } })
    const producer = lab.producer()
    const controls = lab.openControls()
    await controls.pause({ reason: 'why' })
    await consumer.reports.until('paused', (r) => r.of('paused').length === 1)
    await Promise.all(range(50).map((n) => producer.publish('counted', { n })))
    await new Promise((r) => setTimeout(r, 2500))
    expect(handled).toEqual([])
    console.log(await lab.group(), await controls.state())
    await controls.resume()
    await consumer.reports.until('50', (r) => r.settled('ack').length === 50)
    await controls.pause({ eventType: 'counted' })
    await consumer.reports.until('paused', (r) => r.of('paused').length === 2)
    await Promise.all(range(50).map((n) => producer.publish('counted', { n })))
    await producer.publish('noted', { text: '' })
    await consumer.reports.until('51', (r) => r.settled('ack').length === 51)
    await lab.until('50 aside', async () => (await lab.group()).pausedTypes[0]?.setAside === 50)
    console.log(await lab.group(), await controls.state())
    await controls.resume({ eventType: 'counted' })
    await consumer.reports.until('101', (r) => r.settled('ack').length === 101)
    expect(consumer.reports.settled('ack').every((r) => r.attempt === 1)).toBe(true)
    await controls.limit(20)
    await consumer.reports.until('limited', (r) => r.of('limited').length === 1)
    const t = Date.now()
    await Promise.all(range(50).map((n) => producer.publish('counted', { n })))
    await consumer.reports.until('151', (r) => r.settled('ack').length === 151)
    console.log(Date.now() - t, 'ms for 50 at 20/s')
  })
  test('circuit', async ({ lab }) => {
    let isUp = true
    const consumer = await lab.consumer({
      circuit: { deliveries: 10, probeEveryMs: 500 },
      handlers: {
        counted() {
          if (!isUp) throw new Error('down')
        },
      },
    })
    const producer = lab.producer()
    await Promise.all(range(20).map((n) => producer.publish('counted', { n })))
    isUp = false
    await Promise.all(range(200).map((n) => producer.publish('counted', { n })))
    await consumer.reports.until('probed', (r) => r.of('circuit-probed').length === 3)
    console.log(await lab.group())
    isUp = true
    await consumer.reports.until('ack', (r) => r.settled('ack').length === 220)
    console.log(consumer.reports.all.filter((r) => !['settled', 'load', 'claimed', 'trimmed'].includes(r.kind)))
    console.log(consumer.reports.settled('retry').length)
  })
})
