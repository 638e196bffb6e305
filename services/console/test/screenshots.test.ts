import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { RedisServer, until } from '@redis-streams-processor/testbed'
import { testUsers } from '../../../packages/streams-core/test/support/test-users.ts'
import { chromiumPath, visit } from './support/browser.ts'
import { PATIENCE, Site, test } from './support/site.ts'

/** The folder that the pictures of the README go into. Without it, nothing is done. */
const { SCREENSHOTS } = process.env
const WAIT = { timeout: PATIENCE.timeoutMs }
/** Load for so long, so that there is something to see in the last hour. */
const LOAD_MS = 150_000

test.skipIf(!SCREENSHOTS || !chromiumPath)('pictures of the page', { timeout: 300_000 }, async () => {
  const redis = await RedisServer.start(testUsers.map((rule) => rule.replaceAll('test_*', 'user_*')))
  const site = new Site(redis.url, 'user_events')
  const at = (name: string) => join(String(SCREENSHOTS), name)
  const wide = { viewport: { width: 1_180, height: 1_060 } }
  try {
    const { url } = await site.console()
    const settings = { WORK_MS: '500', CONCURRENCY: '24', LEASE_MS: '6000', MAX_DELIVERIES: '3', RETRY_BASE_MS: '2000' }
    await site.consumer('analytics-1', { GROUP: 'analytics', WORK_MS: '20' })
    for (const n of [1, 2]) await site.consumer(`billing-${n}`, settings)
    const victim = await site.consumer('billing-3', { ...settings, WORK_MS: '25000' })
    const [light, dark, narrow] = await Promise.all([
      visit(`${url}/#group=billing`, { ...wide, colorScheme: 'light' }),
      visit(`${url}/#group=billing`, { ...wide, colorScheme: 'dark' }),
      visit(`${url}/#group=billing`, { viewport: { width: 360, height: 1_200 }, colorScheme: 'light' }),
    ])
    const loading = load(site)
    await sleep(LOAD_MS)
    await until('the victim holds something', async () => (await site.held('billing-3')) > 12, PATIENCE)
    victim.kill('SIGKILL')
    const row = (of: typeof light) => of.page.locator('[data-row="billing-3"]')
    await row(light)
      .filter({ hasText: /its lease is over in 2/ })
      .waitFor(WAIT)
    await light.page.screenshot({ path: at('console-light.png') })
    await narrow.page
      .locator('.group-heading')
      .evaluate((heading) => (heading as { scrollIntoView(): void }).scrollIntoView())
    // While the entries move.
    const whenTaken = async (of: typeof light, name: string) => {
      await row(of)
        .filter({ hasText: /taken by/ })
        .waitFor(WAIT)
      await of.page.screenshot({ path: at(name) })
    }
    await Promise.all([whenTaken(dark, 'console-dark.png'), whenTaken(narrow, 'console-narrow.png')])
    await loading.stop()
    for (const { close } of [light, dark, narrow]) await close()
  } finally {
    await site.close()
    await redis.stop()
  }
})

/** Events that come faster and slower, until it is stopped. */
function load(site: Site) {
  let isOn = true
  const run = async () => {
    for (let n = 0; isOn; n += 1) {
      await site.publish(2 + Math.round(6 * Math.abs(Math.sin(n / 40))), `load-${n}`)
      if (n % 12 === 0) await site.publishUnlucky(1, `load-${n}`)
      await sleep(200)
    }
  }
  const running = run()
  return {
    async stop() {
      isOn = false
      await running
    },
  }
}
