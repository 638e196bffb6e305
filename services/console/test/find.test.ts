import { until } from '@redis-streams-processor/testbed'
import type { Page } from 'playwright-core'
import { describe, expect } from 'vitest'
import { ask, posting } from './support/ask.ts'
import { chromiumPath, leave, visit } from './support/browser.ts'
import { withGroup } from './support/group.ts'
import { look } from './support/looks.ts'
import { monitor } from './support/monitor.ts'
import { GROUP, PATIENCE, type Site, test } from './support/site.ts'

const WAIT = { timeout: PATIENCE.timeoutMs }
/** Looks are half a second apart: for so many, a page could ask again twice. */
const LOOKS = 14
const TEXT_OF_FOCUSED = 'document.activeElement.ariaLabel ?? document.activeElement.className'

const idField = (page: Page) => page.getByLabel('Event id or entry id')
const state = (page: Page, type: string) => page.locator(`[data-found="${type}"]`)

async function find(page: Page, id: string): Promise<void> {
  await idField(page).fill(id)
  await idField(page).press('Enter')
}

/** A consumer that holds an entry, and gives no other sign of life. */
async function withHeld(site: Site) {
  await withGroup(site)
  const [entryId = ''] = await site.publish(1)
  const read = ['XREADGROUP', 'GROUP', GROUP, 'holder', 'STREAMS', site.stream, '>']
  return { entryId, hold: () => site.send(...read) }
}

describe.skipIf(!chromiumPath)('what is found', () => {
  test('follows, and says as of when it is, until nothing can happen any more', async ({ site }) => {
    const { entryId, hold } = await withHeld(site)
    const { url } = await site.console()
    const visited = await visit(url)
    const { page } = visited
    const asked: number[] = []
    let [open, openAtOnce] = [0, 0]
    const isFind = (requestUrl: string) => new URL(requestUrl).pathname === '/api/find'
    page.on('request', (request) => {
      if (!isFind(request.url())) return
      asked.push(performance.now())
      open += 1
      openAtOnce = Math.max(openAtOnce, open)
    })
    page.on('requestfinished', (request) => {
      if (isFind(request.url())) open -= 1
    })
    const asOf = () => page.locator('.as-of time').getAttribute('datetime', WAIT)
    await find(page, entryId)
    await state(page, 'undelivered').waitFor(WAIT)
    const first = String(await asOf())
    // An answer that is late: no look of the page asks again meanwhile.
    await page.route(/again=yes/, async (route) => {
      await look(url, GROUP, 4)
      await route.continue()
    })
    await hold()
    await state(page, 'held').waitFor(WAIT)
    expect(Date.parse(String(await asOf()))).toBeGreaterThan(Date.parse(first))
    await site.send('XACK', site.stream, GROUP, entryId)
    await state(page, 'acknowledged').waitFor(WAIT)
    const last = asked.length
    expect(openAtOnce).toBe(1)
    for (const [n, at] of asked.entries()) if (n > 0) expect(at - Number(asked[n - 1])).toBeGreaterThan(2_900)
    await look(url, GROUP, LOOKS)
    expect(asked).toHaveLength(last)
    await leave(visited)
  })

  test('has each dead letter of the event, without its payload', async ({ site }) => {
    await site.consumer('worker', { MAX_DELIVERIES: '2' })
    await site.publishUnlucky(1)
    await site.untilDead(1)
    const { url } = await site.console()
    const visited = await visit(url)
    const { page } = visited
    const letter = page.locator('.found-letters > li')
    await find(page, 'event-user_1003-0')
    await letter.getByText('exhausted').waitFor(WAIT)
    expect(await letter.innerText()).toMatch(new RegExp(`${GROUP}\\s+exhausted\\s+database timeout\\s+[\\d.]+ m?s ago`))
    await letter.locator('summary').click()
    const [first = '', last = ''] = await letter.locator('.history li').allInnerTexts()
    expect(first).toMatch(/^delivery 1, .*, at worker: database timeout$/)
    expect(last).toMatch(/^delivery 2, /)
    const { body } = await ask(url, '/api/find?id=event-user_1003-0')
    expect(JSON.parse(body).letters).toMatchObject([{ group: GROUP, reason: 'exhausted', error: 'database timeout' }])
    expect(body).not.toContain('insufficient_funds')
    await leave(visited)
  })

  test('has the failed deliveries of an event that is not dead', async ({ site }) => {
    const worker = await site.consumer('worker', { RETRY_BASE_MS: '3600000', RETRY_MAX_MS: '3600000' })
    await site.publishUnlucky(1)
    await until('it waits', async () => (await site.held('~retry')) === 1, PATIENCE)
    await worker.stop()
    const { url } = await site.console()
    const visited = await visit(url)
    await find(visited.page, 'event-user_1003-0')
    await state(visited.page, 'waiting-for-retry')
      .getByText(/^delivery 1, .*, at worker: database timeout$/)
      .waitFor(WAIT)
    await leave(visited)
  })

  test('says that its consumer gives no sign of life', async ({ site }) => {
    const victim = await site.consumer('victim', { WORK_MS: '60000', LEASE_MS: '1000' })
    const [entryId = ''] = await site.publish(1)
    const { url } = await site.console()
    const visited = await visit(url)
    await find(visited.page, entryId)
    await state(visited.page, 'held').getByText('; its lease was extended').waitFor(WAIT)
    victim.kill('SIGKILL')
    const why = (text: RegExp) => state(visited.page, 'held').locator('.why').getByText(text).waitFor(WAIT)
    await why(/^Held up: victim has given no sign of life for .*: others may take the entry\.$/)
    await why(/^Held up: no consumer is at work, /)
    await leave(visited)
  })

  test('says that its group is paused, when, and why', async ({ site }) => {
    const { entryId } = await withHeld(site)
    const controls = `{${site.stream}}:${GROUP}:controls`
    await site.send('HSET', controls, 'paused', `${Date.UTC(2026, 0, 2, 20)} a deploy`)
    const { url } = await site.console()
    const visited = await visit(url, { timezoneId: 'Asia/Tokyo' })
    await find(visited.page, entryId)
    await state(visited.page, 'undelivered')
      .getByText('Held up: paused by an operator, since 3 Jan 2026, 05:00:00: a deploy.')
      .waitFor(WAIT)
    await visited.page
      .locator('.groups .why')
      .getByText('paused by an operator, since 3 Jan 2026, 05:00:00: a deploy', { exact: true })
      .waitFor(WAIT)
    await leave(visited)
  })

  test('says as what it was redriven, and for whom', async ({ site }) => {
    await withGroup(site, 'other')
    const worker = await site.consumer('worker', { MAX_DELIVERIES: '1' })
    await site.publishUnlucky(1)
    await site.untilDead(1)
    await worker.stop()
    const { url } = await site.console()
    const visited = await visit(url)
    const { page } = visited
    await find(page, 'event-user_1003-0')
    await state(page, 'dead').waitFor(WAIT)
    const redrive = { dryRun: false }
    expect(await ask(url, `/api/groups/${GROUP}/redrive`, posting(redrive))).toMatchObject({ status: 200 })
    await state(page, 'redriven').getByText('It died, and was redriven as entry').waitFor(WAIT)
    await state(page, 'not-ours').getByText(`it was redriven for ${GROUP} only`).waitFor(WAIT)
    expect(await page.locator('.found').count()).toBe(2)
    expect(await page.locator('.found-letters').count()).toBe(0)
    const copy = state(page, 'redriven').getByRole('button')
    const copyId = await copy.innerText()
    await copy.press('Enter')
    await page.locator('.found h3').getByText(copyId).waitFor(WAIT)
    expect(await idField(page).inputValue()).toBe(copyId)
    await page
      .locator('.found')
      .nth(1)
      .waitFor({ ...WAIT, state: 'detached' })
    await leave(visited)
  })

  test('has letters that can be redriven, and shows what becomes of them', async ({ site }) => {
    await site.consumer('worker', { MAX_DELIVERIES: '1' })
    await site.publishUnlucky(1)
    await site.untilDead(1)
    site.mendHandlers()
    const { url } = await site.console()
    const visited = await visit(url)
    const { page } = visited
    await find(page, 'event-user_1003-0')
    const letter = page.locator('.found-letters > li')
    await letter.locator('summary').click(WAIT)
    await letter.getByRole('button', { name: 'Redrive …' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByRole('button', { name: 'Redrive', exact: true }).click(WAIT)
    await dialog.getByText('1 dead letter went back').waitFor(WAIT)
    await dialog.getByRole('button', { name: 'Close' }).click()
    await state(page, 'acknowledged').waitFor(WAIT)
    await state(page, 'redriven').waitFor(WAIT)
    expect(await letter.count()).toBe(0)
    await leave(visited)
  })

  test('has a payload that is fetched alone', async ({ site }) => {
    await withGroup(site)
    const [entryId = ''] = await site.publish(1)
    const { url } = await site.console()
    const visited = await visit(url)
    const { page } = visited
    await find(page, entryId)
    await state(page, 'undelivered').waitFor(WAIT)
    const { commands, stop } = await monitor(site.redisUrl)
    await page.getByRole('button', { name: 'Show payload' }).click()
    await page.locator('.found pre').getByText('insufficient_funds').waitFor(WAIT)
    const about = commands.filter(({ words }) => words.includes(entryId))
    stop()
    // What is found is looked up again meanwhile.
    expect(about.filter(({ command }) => command !== 'EVALSHA').map(({ command }) => command)).toEqual(['XRANGE'])
    await leave(visited)
  })

  test('can be read on a narrow page, however long the names of groups are', async ({ site }) => {
    await withGroup(site, 'a-group-with-a-long-name-'.repeat(3))
    const [entryId = ''] = await site.publish(1)
    const { url } = await site.console()
    const visited = await visit(url, { viewport: { width: 360, height: 780 } })
    const { page } = visited
    await find(page, entryId)
    await state(page, 'undelivered').waitFor(WAIT)
    expect((await state(page, 'undelivered').boundingBox())?.width).toBeGreaterThan(150)
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(360)
    await leave(visited)
  })

  test('goes where Find is not, so that a second click does nothing to it', async ({ site }) => {
    const { entryId } = await withHeld(site)
    const { url } = await site.console()
    const visited = await visit(url)
    const { page } = visited
    const button = page.getByRole('button', { name: 'Find', exact: true })
    const before = await button.boundingBox()
    await idField(page).fill(entryId)
    await button.click()
    await page.locator('.found').waitFor(WAIT)
    expect(await button.boundingBox()).toEqual(before)
    await page.getByRole('button', { name: 'Clear' }).click()
    expect(await page.locator('.found').count()).toBe(0)
    expect(await page.evaluate(TEXT_OF_FOCUSED)).toBe('Event id or entry id')
    expect(await idField(page).inputValue()).toBe('')
    await leave(visited)
  })

  test('may be what a square stands for, or its line in the table', async ({ site }) => {
    const { entryId, hold } = await withHeld(site)
    await hold()
    const { url } = await site.console()
    const visited = await visit(url)
    const { page } = visited
    const row = page.locator('[data-row="holder"]')
    await row.locator('[data-entry]').click(WAIT)
    await state(page, 'held').waitFor(WAIT)
    expect(await idField(page).inputValue()).toBe(entryId)
    await page.getByRole('button', { name: 'Clear' }).click()
    await row.getByRole('button', { name: /held by holder/ }).press('Enter')
    await row.getByRole('button', { name: entryId }).press('Enter')
    await state(page, 'held').waitFor(WAIT)
    expect(await idField(page).inputValue()).toBe(entryId)
    expect(await page.evaluate(TEXT_OF_FOCUSED)).toBe('card find')
    await leave(visited)
  })
})
