import { describe, expect } from 'vitest'
import { InvalidOptionError, reject } from '../../src/index.ts'
import { range } from '../support/events.ts'
import { GROUP, type Lab, test } from '../support/lab.ts'

/** Letters of events that carry a number, oldest first. */
async function withLetters(lab: Lab, count: number) {
  const consumer = await lab.consumer({
    concurrency: 1,
    handlers: { counted: ({ data }) => reject(`number ${data.n}`) },
  })
  const producer = lab.producer()
  for (const n of range(count)) await producer.publish('counted', { n }, { id: `event-${n}` })
  await consumer.reports.until('all are dead', (reports) => reports.settled('dead-letter').length === count)
  await consumer.stop()
  return lab.openDeadLetters()
}

const eventIds = (page: { letters: { eventId: string | undefined }[] }) => page.letters.map(({ eventId }) => eventId)

describe('dead letters', () => {
  test('are shown newest first, page by page', async ({ lab }) => {
    const letters = await withLetters(lab, 5)
    const first = await letters.page({ limit: 2 })
    expect(eventIds(first)).toEqual(['event-4', 'event-3'])
    const second = await letters.page({ limit: 2, ...(first.before && { before: first.before }) })
    expect(eventIds(second)).toEqual(['event-2', 'event-1'])
    const third = await letters.page({ limit: 2, ...(second.before && { before: second.before }) })
    expect(eventIds(third)).toEqual(['event-0'])
    expect(third.before).toBeUndefined()
  })

  test('fill a page without another one behind it', async ({ lab }) => {
    const letters = await withLetters(lab, 4)
    const first = await letters.page({ limit: 2 })
    const second = await letters.page({ limit: 2, before: first.before ?? '' })
    expect([eventIds(second), second.before]).toEqual([['event-1', 'event-0'], undefined])
    expect(await letters.page({ limit: 1, text: 'event-3' })).toMatchObject({ before: undefined })
    expect(await letters.page({ limit: 1, text: 'event-' })).toMatchObject({ before: first.letters[0]?.letterId })
  })

  test('are not shown by wrong options', async ({ lab }) => {
    const letters = lab.openDeadLetters()
    for (const wrong of [{ limit: 0 }, { limit: 1_001 }, { limit: 1.5 }, { before: 'yesterday' }]) {
      await expect(letters.page(wrong)).rejects.toThrow(InvalidOptionError)
    }
  })

  test('are found by a text, in whatever case, in the error, the ids, or the entry', async ({ lab }) => {
    const letters = await withLetters(lab, 3)
    expect(eventIds(await letters.page({ text: 'NUMBER 1' }))).toEqual(['event-1'])
    expect(eventIds(await letters.page({ text: 'event-2' }))).toEqual(['event-2'])
    expect(eventIds(await letters.page({ text: '"n":0' }))).toEqual(['event-0'])
    expect(eventIds(await letters.page({ text: 'nowhere' }))).toEqual([])
    expect(await letters.redrive({ text: 'number 1', dryRun: true })).toEqual({ redriven: 1, skipped: 0 })
  })

  test('are redriven and purged up to the newest one that was seen, and one by one', async ({ lab }) => {
    const letters = await withLetters(lab, 4)
    const [newest, , second] = (await letters.page()).letters.map(({ letterId }) => letterId)
    expect(await letters.redrive({ to: second ?? '', dryRun: true })).toEqual({ redriven: 2, skipped: 0 })
    expect(await letters.purge({ from: newest ?? '', to: newest ?? '', confirm: GROUP })).toBe(1)
    expect(await letters.purge({ to: second ?? '', confirm: GROUP })).toBe(2)
    expect(eventIds(await letters.page())).toEqual(['event-2'])
  })

  test('are looked at in parts, so that no search takes long', async ({ lab }) => {
    const dead = `{${lab.streamName}}:${GROUP}:dead`
    await Promise.all(range(1_200).map((n) => lab.send('XADD', dead, '*', 'n', n)))
    const letters = lab.openDeadLetters()
    const part = await letters.page({ text: 'nowhere' })
    expect(part.letters).toEqual([])
    const rest = await letters.page({ text: 'nowhere', before: part.before ?? '' })
    expect(rest).toEqual({ letters: [], before: undefined })
    expect((await letters.page({ limit: 1_000 })).letters).toHaveLength(1_000)
  })
})
