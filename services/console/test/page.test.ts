import { setTimeout as sleep } from 'node:timers/promises'
import { until } from '@redis-streams-processor/testbed'
import type { Page } from 'playwright-core'
import { describe, expect } from 'vitest'
import { chromiumPath, findingsOf, leave, visit } from './support/browser.ts'
import { withGroup } from './support/group.ts'
import { GROUP, PATIENCE, type Site, test } from './support/site.ts'

const WAIT = { timeout: PATIENCE.timeoutMs }
const row = (page: Page, consumer: string) => page.locator(`[data-row="${consumer}"]`)
const squares = (page: Page, consumer: string) => row(page, consumer).locator('[data-entry]')
const button = (page: Page, name: string | RegExp) => page.getByRole('button', { name })

// These run in the page, whose types a test does not have.
interface Canvas {
  cloneNode(): Canvas
  toDataURL(): string
}
type InPage = { getComputedStyle(element: object): { borderColor: string } }
const colourOf = (square: object) => (globalThis as unknown as InPage).getComputedStyle(square).borderColor
const entriesOf = (found: object[]) => found.map((square) => (square as { dataset: { entry: string } }).dataset.entry)
/** Whether anything is drawn: the clone of a canvas is as large, and empty. */
const isDrawn = (canvas: object) => (canvas as Canvas).toDataURL() !== (canvas as Canvas).cloneNode().toDataURL()
const NAME_OF_FOCUSED = `
  (({ activeElement: { ariaLabel, labels, textContent } }) =>
    (ariaLabel ?? labels?.[0]?.textContent ?? textContent).trim())(document)
`
/** Notes each square that begins to move, and from where. */
const NOTE_MOVES = `
  globalThis.moves = []
  const animate = Element.prototype.animate
  Element.prototype.animate = function (frames, options) {
    globalThis.moves.push([this.dataset.entry, frames[0].transform])
    return animate.call(this, frames, options)
  }
`

/** Answers the dialog that is open, once it has said what it would do. */
async function confirm(page: Page, verb: string): Promise<{ will: string; done: string }> {
  const dialog = page.getByRole('dialog')
  const will = await dialog.locator('.will').innerText(WAIT)
  await dialog.getByRole('button', { name: verb }).click(WAIT)
  const done = await dialog.locator('.done').innerText(WAIT)
  await dialog.getByRole('button', { name: 'Close' }).click(WAIT)
  return { will, done }
}

async function withLetters(site: Site, letters: number) {
  const consumer = await site.consumer('worker', { MAX_DELIVERIES: '2' })
  await site.publishUnlucky(letters)
  await site.untilDead(letters)
  return consumer
}

describe.skipIf(!chromiumPath)('the page', () => {
  test('shows a kill: leases run out, and entries move to the sibling that takes them', async ({ site }) => {
    const victim = await site.consumer('victim', { WORK_MS: '60000' })
    const ids = await site.publish(4)
    await until('the victim holds them', async () => (await site.pending()) === 4, PATIENCE)
    // Redis 7.0 knows a consumer once it was given an entry, or was made: without a row, nothing could be seen to move to it.
    await site.send('XGROUP', 'CREATECONSUMER', site.stream, GROUP, 'sibling')
    await site.consumer('sibling', { WORK_MS: '5000' })
    const { url } = await site.console()
    const visited = await visit(url)
    const { page } = visited
    await expect.poll(() => squares(page, 'victim').count(), { timeout: WAIT.timeout }).toBe(4)
    const colour = () => squares(page, 'victim').first().evaluate(colourOf)
    const before = await colour()
    await page.evaluate(NOTE_MOVES)
    expect(await row(page, 'sibling').count()).toBe(1)

    victim.kill('SIGKILL')
    await row(page, 'victim').filter({ hasText: 'its lease is over in' }).waitFor(WAIT)
    expect(await colour()).not.toBe(before)
    await row(page, 'sibling')
      .filter({ hasText: /took 4 from victim, \d+(\.\d)? s after/ })
      .waitFor(WAIT)
    const held: string[] = await squares(page, 'sibling').evaluateAll(entriesOf)
    expect(held.sort()).toEqual(ids.sort())
    expect(await squares(page, 'victim').count()).toBe(0)
    const moves: [entryId: string, from: string][] = await page.evaluate('moves')
    expect(moves.map(([entryId]) => entryId).sort()).toEqual(ids.sort())
    // From another row.
    for (const [, from] of moves) expect(from).toMatch(/^translate\(-?[\d.]+px, -?[1-9][\d.]*px\)/)
    await row(page, 'victim').filter({ hasText: '4 taken by sibling after' }).waitFor(WAIT)
    expect(await page.locator('.takeovers').innerText()).toMatch(/sibling took 4 entries from victim/)
    await leave(visited)
  })

  test('says of a group whose only consumer was killed that nobody is there, and opens with it', async ({ site }) => {
    const victim = await site.consumer('victim', { WORK_MS: '60000' })
    await site.publish(4)
    await until('the victim holds them', async () => (await site.pending()) === 4, PATIENCE)
    await site.send('XGROUP', 'CREATE', site.stream, 'a-group-without-work', '$')
    const { url } = await site.console()
    const visited = await visit(url)
    const { page } = visited
    const ofGroup = page.locator('.groups tr').filter({ hasText: GROUP })
    await ofGroup.locator('.state').getByText('working').waitFor(WAIT)
    victim.kill('SIGKILL')
    await ofGroup.locator('.state').getByText('no consumer').waitFor(WAIT)
    expect(await ofGroup.locator('td').last().innerText()).toBe('0')
    await page.reload()
    await page.getByRole('heading', { name: GROUP, exact: true }).waitFor(WAIT)
    await page
      .locator('.groups .why')
      .getByText(/^no consumer is at work, for/)
      .waitFor(WAIT)
    await row(page, 'victim').getByText('nobody is there to take what it holds').waitFor(WAIT)
    expect(await page.locator('#consumers-title').innerText()).toBe('Consumers 0 alive, 1 gone')

    await site.consumer('sibling')
    await row(page, 'victim').getByText('4 taken by sibling').waitFor(WAIT)
    await ofGroup
      .locator('.state')
      .getByText(/^(idle|working)$/)
      .waitFor(WAIT)
    await leave(visited)
  })

  test('finds a dead event, and redrives its letter: it is handled then', async ({ site }) => {
    await withLetters(site, 3)
    const { url } = await site.console()
    const visited = await visit(url)
    const { page } = visited
    const letters = page.locator('.letter-list > li')
    await expect.poll(() => letters.count(), { timeout: WAIT.timeout }).toBe(3)
    await letters.first().locator('summary').click()
    await letters.first().getByText('Failed deliveries').waitFor(WAIT)
    expect(await letters.first().locator('.history li').count()).toBe(2)
    expect(await page.content()).not.toContain('insufficient_funds')
    await letters.first().getByRole('button', { name: 'Show payload' }).click()
    await letters.first().getByText('insufficient_funds').waitFor(WAIT)
    await find(page, 'event-user_1003-0')
    await page.locator('[data-found="dead"]').getByText('database timeout').waitFor(WAIT)
    await page.locator('.found').getByRole('button', { name: 'Show payload' }).click()
    await page.locator('.found').getByText('insufficient_funds').waitFor(WAIT)

    site.mendHandlers()
    await letters.first().getByRole('button', { name: 'Redrive …' }).click()
    const { will, done } = await confirm(page, 'Redrive')
    expect(will).toContain(`1 dead letter goes back to the stream, each as a new entry that only ${GROUP} handles`)
    expect(done).toContain('1 dead letter went back')
    await untilAtRest(site)
    await site.untilDead(2)
    const [redriven] = await site.send<[entryId: string][]>('XREVRANGE', site.stream, '+', '-', 'COUNT', '1')
    await find(page, String(redriven?.[0]))
    await page.locator('[data-found="acknowledged"]').waitFor(WAIT)
    await expect.poll(() => letters.count(), { timeout: WAIT.timeout }).toBe(2)
    await leave(visited)
  })

  test('says of what it does not find what is known, and no more', async ({ site }) => {
    await withGroup(site)
    const head = { entryId: 'no entry id', group: GROUP, consumer: 'c', reason: 'rejected', error: 'no' }
    const letter = JSON.stringify({ ...head, deliveries: 1, redrives: 0, diedAt: '2026-01-01T00:00:00Z' })
    const dead = `{${site.stream}}:${GROUP}:dead`
    await site.send('XADD', dead, '*', 'letter', letter, 'history', '', 'id', 'foreign-1', 'type', 'any')
    const { url } = await site.console()
    const visited = await visit(url)
    const { page } = visited
    const found = page.locator('.find')
    await find(page, 'nobody-knows-it')
    await found.getByText('Nothing is known of this event.').waitFor(WAIT)
    await find(page, 'foreign-1')
    await found.getByText('Its entry is not known, only that it has died:').waitFor(WAIT)
    await found.locator('.found-letters').getByText('rejected').waitFor(WAIT)
    await find(page, '1764043200123-0')
    await found.getByText('There is no such entry, or not any more.').waitFor(WAIT)
    expect(await found.innerText()).not.toMatch(/published \d/)
    await leave(visited)
  })

  test('draws the last hour of a group', async ({ site }) => {
    await site.consumer('worker')
    const { url } = await site.console()
    const visited = await visit(url)
    const { page } = visited
    const chart = (name: string) => page.locator('.chart').filter({ hasText: name })
    const figure = async (name: string) => Number(await chart(name).locator('.value').innerText())
    await expect.poll(() => page.locator('.chart canvas').count(), WAIT).toBe(6)
    for (const name of ['Lag', 'Pending', 'Waiting for retry', 'Oldest'])
      await expect.poll(() => chart(name).locator('canvas').evaluate(isDrawn), WAIT).toBe(true)
    // The first ones of the group.
    await site.publish(20)
    await expect.poll(() => figure('Settled'), WAIT).toBeGreaterThan(0)
    await expect.poll(() => figure('Settled'), WAIT).toBe(0)
    await leave(visited)
  })

  test('finds dead letters by a text, page by page, and purges what is found, once the group is named', async ({
    site,
  }) => {
    await withLetters(site, 30)
    const { url } = await site.console()
    const visited = await visit(url)
    const { page } = visited
    const letters = page.locator('.letter-list > li')
    await expect.poll(() => letters.count(), { timeout: WAIT.timeout }).toBe(25)
    await button(page, 'Older').click()
    await expect.poll(() => letters.count(), { timeout: WAIT.timeout }).toBe(5)
    await button(page, 'Newer').click()
    await page.getByLabel('Event type').fill(' ')
    const title = page.locator('#letters-title')
    const search = page.getByLabel('Search', { exact: true })
    expect(await title.innerText()).toBe('Dead letters 30')
    await search.fill('user_1003')
    await title.getByText('30, found: ≥ 25', { exact: true }).waitFor(WAIT)
    await button(page, 'Older').click()
    await title.getByText('30, found: 30', { exact: true }).waitFor(WAIT)
    await search.fill('nothing of that kind')
    await title.getByText('30, found: 0', { exact: true }).waitFor(WAIT)
    for (const verb of ['Redrive', 'Purge'])
      expect(await button(page, `${verb} what is found …`).isDisabled()).toBe(true)
    await search.fill(' PAY_17 ')
    await title.getByText('30, found: 1', { exact: true }).waitFor(WAIT)
    expect(await letters.count()).toBe(1)

    await button(page, 'Purge what is found …').click()
    const purge = button(page, 'Purge for good')
    await page.getByRole('dialog').locator('.will').waitFor(WAIT)
    expect(await purge.isDisabled()).toBe(true)
    await page.getByLabel(`To confirm, type ${GROUP}`).fill(GROUP)
    const { will, done } = await confirm(page, 'Purge for good')
    expect(will).toContain('1 of 30 dead letters is deleted for good')
    expect(done).toContain('1 dead letter deleted')
    await site.untilDead(29)
    await leave(visited)
  })

  test('pauses a group, whose consumers do not look gone, and resumes it', async ({ site }) => {
    const leaseMs = 1_000
    const worker = await site.consumer('worker', { LEASE_MS: String(leaseMs) })
    await site.publish(1)
    const { url } = await site.console()
    const visited = await visit(url)
    const { page } = visited
    await page
      .locator('.group-heading')
      .getByText(/^(idle|working)$/)
      .waitFor(WAIT)
    await button(page, 'Pause …').click(WAIT)
    await page.getByRole('dialog').getByLabel('Event type').fill(' ')
    await page.getByLabel(/^Reason/).fill('a deploy')
    expect((await confirm(page, 'Pause')).will).toContain('No handler of this group is started any more')
    await page.getByText(/Paused since .*: a deploy\. No handler is started\./).waitFor(WAIT)
    await worker.waitFor(({ msg }) => msg === 'paused: nothing is started')
    await site.publish(3, 'in-the-pause')
    await sleep(2 * leaseMs)
    // A read that was under way when the pause came may have brought some of them: those were given back, to be retried.
    expect(Number(await lagOf(site)) + (await site.pending())).toBe(3)
    // Waited for: one look of a busy machine may come half a lease late. A consumer that says nothing stays gone.
    await row(page, 'worker').locator('.state').getByText('idle', { exact: true }).waitFor(WAIT)
    await button(page, 'Resume …').click()
    const { will } = await confirm(page, 'Resume')
    const [, unread, givenBack] =
      /^Handlers are started again: (\d) wait to be delivered, (\d) for a retry\.$/.exec(will) ?? []
    expect(Number(unread) + Number(givenBack)).toBe(3)
    await page
      .locator('.group-heading')
      .getByText(/^(idle|working)$/)
      .waitFor(WAIT)
    await untilAtRest(site)
    await find(page, 'in-the-pause-user_2000-0')
    await page.locator('[data-found="acknowledged"]').waitFor(WAIT)
    await leave(visited)
  })

  test('says what an open circuit does, and resumes what it has paused', async ({ site }) => {
    await withGroup(site)
    const controls = `{${site.stream}}:${GROUP}:controls`
    await site.send('HSET', controls, 'circuit', `${Date.now()} too many failed`)
    const { url } = await site.console()
    const visited = await visit(url)
    const { page } = visited
    await page.getByText(/: too many failed\. Its handlers fail: one delivery is tried now and then/).waitFor(WAIT)
    await button(page, 'Resume …').click()
    expect((await confirm(page, 'Resume')).will).toContain(
      'Its circuit is closed, until too many deliveries fail again',
    )
    await expect.poll(() => site.send('EXISTS', controls), WAIT).toBe(0)
    await leave(visited)
  })

  test('pauses, resumes and finds by keys alone', async ({ site }) => {
    await withGroup(site)
    await site.publish(1)
    const { url } = await site.console()
    const visited = await visit(url)
    const { page } = visited
    const { keyboard } = page
    const state = page.locator('.group-heading .state').first()
    const dialog = page.getByRole('dialog')
    /** Confirms what the dialog says, and closes it. */
    const answer = async (verb: string) => {
      await dialog.locator('.will').waitFor(WAIT)
      await tabTo(page, verb)
      await keyboard.press('Enter')
      await dialog.locator('.done').waitFor(WAIT)
      await tabTo(page, 'Close')
      await keyboard.press('Enter')
      await dialog.waitFor({ ...WAIT, state: 'detached' })
    }
    await button(page, 'Pause …').waitFor(WAIT)
    await tabTo(page, 'Pause …')
    await keyboard.press('Enter')
    await dialog.waitFor(WAIT)
    await tabTo(page, 'Reason')
    await keyboard.type('a deploy')
    await answer('Pause')
    await state.filter({ hasText: 'paused' }).waitFor(WAIT)
    await tabTo(page, 'Resume …')
    await keyboard.press('Enter')
    await answer('Resume')
    await state.filter({ hasNotText: 'paused' }).waitFor(WAIT)
    await tabTo(page, 'Event id or entry id')
    await keyboard.type('event-user_2000-0')
    await keyboard.press('Enter')
    await page.locator('[data-found="undelivered"]').waitFor(WAIT)
    await leave(visited)
  })

  test('replays a group, but not while its consumers are at work', async ({ site }) => {
    const consumer = await withLetters(site, 1)
    await site.publish(5)
    await untilAtRest(site)
    const { url } = await site.console()
    const visited = await visit(url)
    const { page } = visited
    await button(page, 'Replay …').click(WAIT)
    // Redis 7.0 does not say which.
    const refused = /Refused while consumers are at work: worker|the group counts as left once/
    await page.getByRole('dialog').getByText(refused).waitFor(WAIT)
    expect(await button(page, /^Replay$/).isDisabled()).toBe(true)
    await consumer.stop()
    const dialog = page.getByRole('dialog')
    const from = dialog.getByLabel('From')
    const hint = (hasText: string) => dialog.locator('.answer .hint').filter({ hasText }).waitFor(WAIT)
    await from.selectOption('an entry')
    await hint('Type the id of an entry.')
    await dialog.getByLabel('Entry id').fill('yesterday')
    await hint('The id of an entry looks like')
    await from.selectOption('a time')
    await dialog.getByLabel(/^Time, in /).fill('')
    await hint('Choose a time.')
    expect(await button(page, /^Replay$/).isDisabled()).toBe(true)
    await button(page, '10 minutes ago').click()
    const { will, done } = await confirm(page, 'Replay')
    expect(will).toMatch(
      /The group is given 6 entries of .* \(10 min \d+ s ago\) and later, whether it had handled them or not\. Effects happen again\.\s+Its dead letters stay: redriven, /,
    )
    expect(done).toContain('6 entries to handle')
    site.mendHandlers()
    await site.consumer('worker')
    await untilAtRest(site)
    await find(page, 'event-user_1003-0')
    await page.locator('[data-found="acknowledged"]').getByText('is from before: redriven').waitFor(WAIT)
    await leave(visited)
  })

  test('can be read by everybody: light and dark, wide and narrow, by keyboard', async ({ site }) => {
    await withLetters(site, 2)
    await site.publish(2)
    const dead = await site.consumer('dead', { WORK_MS: '60000', GROUP: 'other', LEASE_MS: '60000' })
    await until('it holds something', async () => (await site.held('dead', 'other')) === 2, PATIENCE)
    dead.kill('SIGKILL')
    const { url } = await site.console()
    for (const colorScheme of ['light', 'dark'] as const) {
      const visited = await visit(`${url}/#group=other`, { colorScheme })
      const { page } = visited
      await button(page, /held by dead/).click(WAIT)
      await page.getByRole('columnheader', { name: 'Lease left' }).waitFor(WAIT)
      for (const width of [1_180, 360]) {
        await page.setViewportSize({ width, height: 800 })
        expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width)
        expect(await findingsOf(page)).toEqual([])
      }
      await button(page, 'Pause …').click()
      await page.getByRole('dialog').locator('.will').waitFor(WAIT)
      expect(await findingsOf(page)).toEqual([])
      // By keyboard: Escape closes the dialog, and the focus is back on its button.
      await page.keyboard.press('Escape')
      const focused = () => page.evaluate('document.activeElement.textContent')
      await expect.poll(focused, { timeout: WAIT.timeout }).toBe('Pause …')
      await page.getByRole('link', { name: GROUP }).press('Enter')
      await page.locator('.letter-list summary').first().press('Enter')
      await page.getByText('Failed deliveries').first().waitFor(WAIT)
      await leave(visited)
    }
  })
})

/** Presses Tab until something has the focus that is called so. */
async function tabTo(page: Page, name: string): Promise<void> {
  for (let n = 0; n < 80; n += 1) {
    await page.keyboard.press('Tab')
    const focused = (await page.evaluate(NAME_OF_FOCUSED)) as string
    if (focused.startsWith(name)) return
  }
  throw new Error(`Tab does not lead to ${name}`)
}

async function find(page: Page, id: string): Promise<void> {
  await page.getByLabel('Event id or entry id').fill(id)
  await page.getByLabel('Event id or entry id').press('Enter')
}

const untilAtRest = (site: Site) =>
  until('all is settled', async () => (await lagOf(site)) === 0 && (await site.pending()) === 0, PATIENCE)

async function lagOf(site: Site): Promise<unknown> {
  const [flat = []] = await site.send<unknown[][]>('XINFO', 'GROUPS', site.stream)
  return flat[flat.indexOf('lag') + 1]
}
