import { setTimeout as sleep } from 'node:timers/promises'
import { until } from '@redis-streams-processor/testbed'
import type { Page } from 'playwright-core'
import { describe, expect } from 'vitest'
import { chromiumPath, findingsOf, leave, visit } from './support/browser.ts'
import { GROUP, PATIENCE, type Site, test } from './support/site.ts'

const WAIT = { timeout: PATIENCE.timeoutMs }
const row = (page: Page, consumer: string) => page.locator(`[data-row="${consumer}"]`)
const squares = (page: Page, consumer: string) => row(page, consumer).locator('[data-entry]')
const button = (page: Page, name: string | RegExp) => page.getByRole('button', { name })

// These run in the page, whose types a test does not have.
type InPage = { getComputedStyle(element: object): { borderColor: string } }
const colourOf = (square: object) => (globalThis as unknown as InPage).getComputedStyle(square).borderColor
const entriesOf = (found: object[]) => found.map((square) => (square as { dataset: { entry: string } }).dataset.entry)
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
    await site.consumer('sibling', { WORK_MS: '5000' })
    const { url } = await site.console()
    const visited = await visit(url)
    const { page } = visited
    await expect.poll(() => squares(page, 'victim').count(), { timeout: WAIT.timeout }).toBe(4)
    const colour = () => squares(page, 'victim').first().evaluate(colourOf)
    const before = await colour()
    await page.evaluate(NOTE_MOVES)
    // Redis 7.0 knows no consumer that was never given anything: there its row comes with what it takes.
    const isSiblingShown = (await row(page, 'sibling').count()) > 0

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
    for (const [, from] of isSiblingShown ? moves : [])
      expect(from).toMatch(/^translate\(-?[\d.]+px, -?[1-9][\d.]*px\)/)
    await row(page, 'victim').filter({ hasText: '4 taken by sibling after' }).waitFor(WAIT)
    expect(await page.locator('.takeovers').innerText()).toMatch(/sibling took 4 entries from victim/)
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
    await page.getByLabel('Search', { exact: true }).fill('PAY_17')
    await expect.poll(() => letters.count(), { timeout: WAIT.timeout }).toBe(1)

    await button(page, 'Purge what is found …').click()
    const purge = button(page, 'Purge for good')
    await page.getByRole('dialog').locator('.will').waitFor(WAIT)
    expect(await purge.isDisabled()).toBe(true)
    await page.getByLabel(`To confirm, type ${GROUP}`).fill(GROUP)
    const { will, done } = await confirm(page, 'Purge for good')
    expect(will).toContain('1 dead letter is deleted for good')
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
    await page.locator('.group-heading').getByText('running').waitFor(WAIT)
    await button(page, 'Pause …').click(WAIT)
    await page.getByLabel(/^Reason/).fill('a deploy')
    expect((await confirm(page, 'Pause')).will).toContain('No handler of this group is started any more')
    await page.getByText(/Paused since .*: a deploy/).waitFor(WAIT)
    await worker.waitFor(({ msg }) => msg === 'paused: nothing is started')
    await site.publish(3, 'in-the-pause')
    await sleep(2 * leaseMs)
    expect([await lagOf(site), await site.pending()]).toEqual([3, 0])
    expect(await row(page, 'worker').locator('.state').innerText()).toBe('alive')
    await button(page, 'Resume …').click()
    expect((await confirm(page, 'Resume')).will).toContain('Handlers are started again: 3 wait to be delivered')
    await page.locator('.group-heading').getByText('running').waitFor(WAIT)
    await untilAtRest(site)
    await find(page, 'in-the-pause-user_2000-0')
    await page.locator('[data-found="acknowledged"]').waitFor(WAIT)
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
    const refused = /Refused while consumers are at work: worker|The group counts as left in/
    await page.getByRole('dialog').getByText(refused).waitFor(WAIT)
    expect(await button(page, /^Replay$/).isDisabled()).toBe(true)
    await consumer.stop()
    const { will, done } = await confirm(page, 'Replay')
    expect(will).toContain('The group is given 6 entries, whether it had handled them or not')
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
