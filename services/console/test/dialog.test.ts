import { describe, expect } from 'vitest'
import { chromiumPath, leave, visit } from './support/browser.ts'
import { withGroup } from './support/group.ts'
import { GROUP, PATIENCE, type Site, test } from './support/site.ts'

const WAIT = { timeout: PATIENCE.timeoutMs }
const LETTERS = 8
/** What a field offers; run in the page. */
const KNOWN = (field: object) =>
  [...(field as { list: { options: Iterable<{ value: string }> } }).list.options].map(({ value }) => value)

async function withLetters(site: Site) {
  const consumer = await site.consumer('worker', { MAX_DELIVERIES: '1' })
  await site.publishUnlucky(LETTERS)
  await site.untilDead(LETTERS)
  await consumer.stop()
}

/** Begins a redrive in its dialog, a letter a second; resolves once the dialog says that one went back. */
async function redriveSlowly(site: Site) {
  await withLetters(site)
  const { worker, url } = await site.console()
  const visited = await visit(url)
  const { page } = visited
  await page.getByRole('button', { name: 'Redrive all …' }).click(WAIT)
  const dialog = page.getByRole('dialog')
  await dialog.locator('.will').waitFor(WAIT)
  await dialog.getByLabel('At most per second').fill('1')
  await dialog.getByRole('button', { name: 'Redrive', exact: true }).click(WAIT)
  await dialog.getByText(/So far: 1 dead letter went back/).waitFor(WAIT)
  return { worker, visited, dialog }
}

describe.skipIf(!chromiumPath)('on the page', () => {
  test('a redrive says how far it is, and can be stopped', async ({ site }) => {
    const { worker, visited, dialog } = await redriveSlowly(site)
    const { page } = visited
    await dialog.getByRole('button', { name: 'Stop' }).click(WAIT)
    await dialog.getByText(/^Stopped\. \d dead letters? went back/).waitFor(WAIT)
    const { done } = await worker.waitFor(({ msg }) => msg === 'a change for an operator has ended')
    const { redriven } = done as { redriven: number }
    expect(redriven).toBeLessThan(LETTERS)
    await dialog.getByRole('button', { name: 'Close' }).click(WAIT)
    await expect.poll(() => page.locator('.letter-list > li').count(), WAIT).toBe(LETTERS - redriven)
    await leave(visited)
  })

  test('a redrive is stopped by whoever closes its dialog', async ({ site }) => {
    const { worker, visited } = await redriveSlowly(site)
    const { page } = visited
    await page.keyboard.press('Escape')
    const ended = await worker.waitFor(({ msg }) => msg === 'a change for an operator has ended')
    expect(ended).toMatchObject({ group: GROUP, wasStopped: true })
    await leave(visited)
  })

  test('a redrive and a purge name the filter, and of how many letters they mean how many', async ({ site }) => {
    await withLetters(site)
    const { url } = await site.console()
    const visited = await visit(url)
    const { page } = visited
    const dialog = page.getByRole('dialog')
    const asked = async (verb: string) => {
      await page.getByRole('button', { name: `${verb} …` }).click(WAIT)
      const will = await dialog.locator('.will').innerText(WAIT)
      const title = await dialog.getByRole('heading').innerText()
      await dialog.getByRole('button', { name: 'Cancel' }).click()
      return `${title}. ${will}`
    }
    expect(await asked('Redrive all')).toContain(`Redrive all dead letters of ${GROUP}. 8 of 8 dead letters go back`)
    await page.getByLabel('Search', { exact: true }).fill('user_1003-5')
    await page.getByLabel('Event type, exactly').fill('payment.failed')
    await page.getByLabel('Reason').selectOption('exhausted')
    const which = `dead letters of ${GROUP}: search “user_1003-5”, type payment.failed, reason exhausted`
    expect(await asked('Redrive what is found')).toContain(`Redrive ${which}. 1 of 8 dead letters goes back`)
    expect(await asked('Purge what is found')).toContain(`Purge ${which}. 1 of 8 dead letters is deleted`)
    await leave(visited)
  })

  test('a pause offers the event types that are known, and asks about any other', async ({ site }) => {
    await withGroup(site)
    await site.publish(1)
    const { url } = await site.console()
    const visited = await visit(url)
    const { page } = visited
    await page.getByRole('button', { name: 'Pause …' }).click(WAIT)
    const dialog = page.getByRole('dialog')
    const pause = dialog.getByRole('button', { name: 'Pause', exact: true })
    const type = dialog.getByLabel(/^Event type/)
    const doubt = dialog.getByRole('checkbox', { name: 'Pause it all the same' })
    await dialog.locator('.will').waitFor(WAIT)
    expect(await type.evaluate(KNOWN)).toEqual(['payment.failed'])
    await type.fill('payment.faild')
    await dialog.getByText('No event of type payment.faild is known.').waitFor(WAIT)
    expect(await pause.isDisabled()).toBe(true)
    await doubt.check()
    expect(await pause.isDisabled()).toBe(false)
    // Another type is asked about anew.
    await type.fill('payment.new')
    await dialog.getByText('No event of type payment.new is known.').waitFor(WAIT)
    expect(await pause.isDisabled()).toBe(true)
    await type.fill('payment.failed')
    await dialog.getByText('No handler for payment.failed is started any more').waitFor(WAIT)
    expect(await doubt.count()).toBe(0)
    await type.fill('payment.new')
    await doubt.check(WAIT)
    await pause.click()
    await dialog.getByText('payment.new is paused. Consumers see it within a second.').waitFor(WAIT)
    await dialog.getByRole('button', { name: 'Close' }).click()
    await page.getByText(/^payment\.new is paused since/).waitFor(WAIT)
    await leave(visited)
  })

  test('a replay says at the end where the group stands', async ({ site }) => {
    await withGroup(site)
    const [entryId = ''] = await site.publish(1)
    const { url } = await site.console()
    const visited = await visit(url, { timezoneId: 'UTC' })
    const { page } = visited
    const dialog = page.getByRole('dialog')
    const replayFrom = async (start: string, fill: [label: string, value: string] | [] = []) => {
      await page.getByRole('button', { name: 'Replay …' }).click(WAIT)
      await dialog.getByLabel('From').selectOption(start)
      const [label, value = ''] = fill
      if (label) await dialog.getByLabel(label).fill(value)
      await dialog.locator('.will').waitFor(WAIT)
      await dialog.getByRole('button', { name: 'Replay' }).click(WAIT)
      const done = await dialog.locator('.done').innerText(WAIT)
      await dialog.getByRole('button', { name: 'Close' }).click()
      return done
    }
    const id = entryId
    expect(await replayFrom('an entry', ['Entry id', id])).toBe(`${GROUP} stands at entry ${id}: 1 entry to handle.`)
    const time = await replayFrom('a time', ['Time, in UTC', '2026-01-02T03:04:05'])
    expect(time.replaceAll('\u00a0', ' ')).toBe(`${GROUP} stands at 2 Jan 2026, 03:04:05: 1 entry to handle.`)
    expect(await replayFrom('the oldest entry in the stream')).toContain(
      ' stands at the oldest entry in the stream: 1 ',
    )
    expect(await replayFrom('what is published from now on')).toContain(' stands at what is published from now on: 0 ')
    await leave(visited)
  })

  test('a replay begins ten minutes ago, and a click chooses another time of the zone that it names', async ({
    site,
  }) => {
    await withGroup(site)
    const { url } = await site.console()
    const visited = await visit(url, { timezoneId: 'Asia/Tokyo' })
    const { page } = visited
    await page.getByRole('button', { name: 'Replay …' }).click(WAIT)
    const time = page.getByRole('dialog').getByLabel('Time, in Asia/Tokyo')
    const chosen = async () => Date.parse(`${await time.inputValue()}+09:00`)
    const before = await chosen()
    expect(Date.now() - before).toBeGreaterThanOrEqual(10 * 60_000)
    await page.getByRole('button', { name: '1 day ago' }).click()
    expect(before - (await chosen())).toBe(86_400_000 - 10 * 60_000)
    await page.getByRole('button', { name: '1 hour ago' }).click()
    expect(before - (await chosen())).toBe(50 * 60_000)
    await page.getByRole('dialog').getByText('(1 h 0 min ago) and later').waitFor(WAIT)
    await leave(visited)
  })

  test('a search waits until nothing is typed any more', async ({ site }) => {
    await withLetters(site)
    const { url } = await site.console()
    const visited = await visit(url)
    const { page } = visited
    const letters = page.locator('.letter-list > li')
    await expect.poll(() => letters.count(), WAIT).toBe(LETTERS)
    const searches: string[] = []
    page.on('request', (request) => {
      const text = new URL(request.url()).searchParams.get('text')
      if (text !== null) searches.push(text)
    })
    await page.getByLabel('Search', { exact: true }).pressSequentially('event-user_1003-5', { delay: 5 })
    await expect.poll(() => letters.count(), WAIT).toBe(1)
    expect(searches.at(-1)).toBe('event-user_1003-5')
    expect(searches.length).toBeLessThan(5)
    await leave(visited)
  })
})
