import { describe, expect } from 'vitest'
import { InvalidOptionError, openWatcher, reject, type StreamWatcher } from '../../src/index.ts'
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
    expect(await letters.redrive({ text: 'number 1', dryRun: true })).toMatchObject({ redriven: 1, skipped: 0 })
  })

  test('are redriven and purged up to the newest one that was seen, and one by one', async ({ lab }) => {
    const letters = await withLetters(lab, 4)
    const [newest, third, second] = (await letters.page()).letters.map(({ letterId }) => letterId)
    const counted = { redriven: 2, skipped: 0, unreadable: 0, to: second }
    expect(await letters.redrive({ to: second ?? '', dryRun: true })).toEqual(counted)
    expect(await letters.redrive({ dryRun: true })).toEqual({ redriven: 4, skipped: 0, unreadable: 0, to: newest })
    const said: number[] = []
    const onProgress = (soFar: { purged: number }) => said.push(soFar.purged)
    expect(await letters.purge({ dryRun: true, onProgress })).toEqual({ purged: 4, to: newest })
    expect(said).toEqual([1, 2, 3, 4])
    expect(await letters.purge({ from: newest ?? '', to: newest ?? '', confirm: GROUP })).toMatchObject({ purged: 1 })
    expect(await letters.purge({ to: second ?? '', confirm: GROUP })).toMatchObject({ purged: 2 })
    expect(eventIds(await letters.page())).toEqual(['event-2'])
    await letters.purgeOne(third ?? '')
    expect(await letters.purge({ dryRun: true })).toEqual({ purged: 0, to: '0-0' })
    expect(await letters.redrive({ dryRun: true })).toEqual({ redriven: 0, skipped: 0, unreadable: 0, to: '0-0' })
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

describe('the newest dead letters of a group', () => {
  function watcherOf(lab: Lab, letters?: number): StreamWatcher {
    const options = { redis: lab.as('operator'), ...(letters !== undefined && { letters }) }
    const watcher = openWatcher({ name: lab.streamName }, options)
    lab.onClose(() => watcher.close())
    return watcher
  }

  async function newestIn(watcher: StreamWatcher, into = [GROUP]) {
    return (await watcher.look(into)).groups[0]?.newestLetters
  }

  test('are seen by whoever watches it, as a page shows them, but for the data of the events', async ({ lab }) => {
    const letters = await withLetters(lab, 3)
    const page = async (limit: number) => {
      const found = await letters.page({ limit })
      return { ...found, letters: found.letters.map(({ fields, ...letter }) => letter) }
    }
    const watcher = watcherOf(lab, 2)
    const first = await page(2)
    expect(await newestIn(watcher)).toEqual(first)
    expect(eventIds(first)).toEqual(['event-2', 'event-1'])
    // What was seen before is not read again, and is shown again.
    expect(await newestIn(watcher)).toEqual(first)
    await letters.purgeOne(first.letters[1]?.letterId ?? '')
    expect(eventIds((await newestIn(watcher)) ?? first)).toEqual(['event-2', 'event-0'])
    expect(await newestIn(watcher)).toEqual({ ...(await page(3)), before: undefined })
    await letters.purge({ confirm: GROUP })
    expect(await newestIn(watcher)).toEqual({ letters: [], before: undefined })
    expect(await newestIn(watcher, [])).toBeUndefined()
    expect(await newestIn(watcherOf(lab))).toBeUndefined()
  })

  test('are read again only when they are others, and no further than to a megabyte', async ({ lab: shared }) => {
    const { lab } = await shared.ownRedis()
    await lab.send('XGROUP', 'CREATE', lab.streamName, GROUP, '0', 'MKSTREAM')
    const dead = `{${lab.streamName}}:${GROUP}:dead`
    const add = (bytes: number) => lab.send('XADD', dead, '*', 'a', '1', 'b', '2', 'data', 'x'.repeat(bytes))
    for (const bytes of [1, 600_000, 600_000]) await add(bytes)
    const watcher = watcherOf(lab, 10)
    const calls = async () => Number(/xrevrange:calls=(\d+)/.exec(await lab.send('INFO', 'commandstats'))?.[1] ?? 0)
    const callsOf = async (letters: number) => {
      const before = await calls()
      expect((await newestIn(watcher))?.letters.length).toBe(letters)
      return (await calls()) - before
    }
    // One call for the takeovers, one for the newest letter; one for each letter behind it.
    expect(await callsOf(2)).toBe(4)
    expect(await callsOf(2)).toBe(2)
    expect((await newestIn(watcher))?.before).toBeDefined()
    await add(1)
    expect(await callsOf(3)).toBe(5)
  })
})
