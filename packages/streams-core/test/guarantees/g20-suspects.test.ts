import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect } from 'vitest'
import { range } from '../support/events.ts'
import { type Lab, test } from '../support/lab.ts'

async function publish(lab: Lab, count: number, first = 0): Promise<string[]> {
  const producer = lab.producer()
  const published = await Promise.all(range(count).map((n) => producer.publish('counted', { n: first + n })))
  return published.map(({ entryId }) => entryId as string)
}

/** A consumer that notes under which name each event is pending when its handler is called. */
async function startConsumer(lab: Lab, options: { stalledAfterMs?: number } = {}) {
  const owners: Record<string, string | undefined> = {}
  const counted = async (_: unknown, { entryId }: { entryId: string }) => {
    owners[entryId] = (await lab.view().pending()).get(entryId)
  }
  const consumer = await lab.consumer({ leaseMs: 1_000, concurrency: 4, ...options, handlers: { counted } })
  const acks = (count: number) =>
    consumer.reports.until(`${count} are handled`, (reports) => reports.settled('ack').length === count)
  return { owners, consumer, acks, controls: lab.openControls() }
}

describe('G20: crash suspects of a group with a limit', () => {
  test('wait for their start as suspects, however long, and run alone', async ({ lab }) => {
    const { owners, consumer, acks, controls } = await startConsumer(lab)
    const ids = await publish(lab, 3)
    await acks(3)
    await controls.limit(0.4)
    await consumer.reports.until('it is limited', (reports) => reports.of('limited').length === 1)
    await lab.bringBack(ids, { deliveries: 2, idleMs: 100_000 })
    const waitingUnder = new Set<string>()
    await lab.until('all are handled', async () => {
      for (const [id, owner] of await lab.view().pending()) if (id === ids[2]) waitingUnder.add(owner)
      return consumer.reports.settled('ack').length === 6
    })
    expect(new Set(ids.map((id) => owners[id]))).toEqual(new Set([`${consumer.name}~alone`]))
    expect(waitingUnder).toContain(`${consumer.name}~suspect`)
    expect(await lab.deadLetters()).toEqual([])
  })

  test('are not kept waiting by what only waits for its start', async ({ lab }) => {
    const { owners, consumer, acks, controls } = await startConsumer(lab)
    const [id = ''] = await publish(lab, 1)
    await acks(1)
    await controls.limit(0.2)
    await consumer.reports.until('it is limited', (reports) => reports.of('limited').length === 1)
    await lab.bringBack([id], { deliveries: 2, idleMs: 100_000 })
    await publish(lab, 5, 1)
    await lab.until('the suspect is handled', () =>
      consumer.reports.settled('ack').some(({ attempt }) => attempt === 3),
    )
    expect(owners[id]).toBe(`${consumer.name}~alone`)
    await controls.limit(undefined)
    await acks(7)
  })
})

describe('G20: crash suspects of a paused event type', () => {
  test('hide no other suspects, count as set aside, leave the consumers ready, and stay suspects', async ({ lab }) => {
    const { owners, consumer, acks, controls } = await startConsumer(lab, { stalledAfterMs: 1_000 })
    const ids = await publish(lab, 130)
    const noted = await lab.producer().publish('noted', { text: '' })
    await acks(131)
    await controls.pause({ eventType: 'counted' })
    await consumer.reports.until('it is paused', (reports) => reports.of('paused').length === 1)
    await lab.bringBack(ids, { deliveries: 2, idleMs: 100_000 })
    await lab.bringBack([noted.entryId as string], { deliveries: 2, idleMs: 100_000 })
    await acks(132)
    await lab.until('all others are set aside', async () => (await lab.group()).pausedTypes[0]?.setAside === 130)
    await sleep(2_500)
    expect(consumer.reports.of('health').at(-1)).toMatchObject({ ready: true })
    expect(await lab.group()).toMatchObject({ pending: 0, waitingForRetry: 0 })
    for (const id of ids) delete owners[id]

    await controls.resume({ eventType: 'counted' })
    await acks(262)
    expect(new Set(ids.map((id) => owners[id]))).toEqual(new Set([`${consumer.name}~alone`]))
    expect(new Set(consumer.reports.settled('ack').map(({ attempt }) => attempt))).toEqual(new Set([1, 3]))
  })
})
