import { describe, expect } from 'vitest'
import { chromiumPath, findingsOf, leave, visit } from './support/browser.ts'
import { withGroup } from './support/group.ts'
import { GROUP, PATIENCE, test } from './support/site.ts'

const WAIT = { timeout: PATIENCE.timeoutMs }
const TOKEN = 'a-token-of-this-test'
/** A browser writes down each answer that is a refusal. */
const REFUSED = /status of 401/

describe.skipIf(!chromiumPath)('the page', () => {
  test('asks for the token, lets in whoever has it, and lets them out again', async ({ site }) => {
    await withGroup(site)
    const { url } = await site.console({ CONSOLE_TOKEN: TOKEN })
    const visited = await visit(url)
    const { page } = visited
    const token = page.getByLabel('Token')
    const groups = page.getByRole('link', { name: GROUP })
    await token.fill('a-guess-at-the-token', WAIT)
    await token.press('Enter')
    await page.getByRole('alert').filter({ hasText: 'this is not the token' }).waitFor(WAIT)
    expect(await findingsOf(page)).toEqual([])
    expect(await groups.count()).toBe(0)
    await token.fill(TOKEN)
    await token.press('Enter')
    await groups.waitFor(WAIT)
    await page.reload()
    await groups.waitFor(WAIT)
    await page.getByRole('button', { name: 'Log out' }).click()
    await token.waitFor(WAIT)
    await page.reload()
    await token.waitFor(WAIT)
    await leave(visited, REFUSED)
  })

  test('shows everything and changes nothing where it is read-only', async ({ site }) => {
    await site.consumer('worker', { MAX_DELIVERIES: '1' })
    await site.publishUnlucky(1)
    await site.untilDead(1)
    const { url } = await site.console({ CONSOLE_READ_ONLY: 'on' })
    const visited = await visit(url)
    const { page } = visited
    await page.getByText('read-only').waitFor(WAIT)
    await page.locator('.letter-list summary').click(WAIT)
    await page.getByRole('button', { name: 'Show payload' }).waitFor(WAIT)
    expect(await page.getByRole('button', { name: /Pause|Resume|Replay|Redrive|Purge/ }).count()).toBe(0)
    await leave(visited)
  })
})
