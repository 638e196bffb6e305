import { describe, expect } from 'vitest'
import { chromiumPath, leave, visit } from './support/browser.ts'
import { withGroup } from './support/group.ts'
import { GROUP, PATIENCE, test } from './support/site.ts'

const WAIT = { timeout: PATIENCE.timeoutMs }

describe.skipIf(!chromiumPath)('the consumers on the page', () => {
  test('are none before the first one comes, and after the last one has left', async ({ site }) => {
    await withGroup(site)
    const { url } = await site.console()
    const visited = await visit(url)
    const none = visited.page.getByText('No consumer is there, as far as Redis knows.')
    await none.waitFor(WAIT)
    const worker = await site.consumer('worker')
    await site.publish(1)
    await visited.page.locator('[data-row="worker"]').waitFor(WAIT)
    expect(await none.count()).toBe(0)
    await worker.stop()
    await none.waitFor(WAIT)
    await leave(visited)
  })

  test('and all else have their times in the time zone of the browser, which is named', async ({ site }) => {
    await withGroup(site)
    await site.send(
      'HSET',
      `{${site.stream}}:${GROUP}:controls`,
      'circuit',
      `${Date.UTC(2026, 0, 2, 20)} too many failed`,
    )
    const { url } = await site.console()
    const visited = await visit(url, { timezoneId: 'Asia/Tokyo' })
    await visited.page.getByText('Paused since 3 Jan 2026, 05:00:00').waitFor(WAIT)
    expect(await visited.page.locator('header').innerText()).toContain('times in Asia/Tokyo')
    await leave(visited)
  })
})
