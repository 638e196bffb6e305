import { describe, expect } from 'vitest'
import { range } from '../support/events.ts'
import { type Lab, test } from '../support/lab.ts'

async function publish(lab: Lab, count: number, first = 0): Promise<string[]> {
  const producer = lab.producer()
  const published = await Promise.all(range(count).map((n) => producer.publish('counted', { n: first + n })))
  return published.map(({ entryId }) => entryId as string)
}

/** A consumer that notes under which name each event is pending when its handler is called. */
async function startConsumer(lab: Lab) {
  const owners: Record<string, string | undefined> = {}
  const counted = async (_: unknown, { entryId }: { entryId: string }) => {
    owners[entryId] = (await lab.view().pending()).get(entryId)
  }
  const consumer = await lab.consumer({ leaseMs: 1_000, concurrency: 4, handlers: { counted } })
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
