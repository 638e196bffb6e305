import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { RedisServer, until } from '@redis-streams-processor/testbed'
import { expect } from 'vitest'
import { testUsers } from '../../../packages/streams-core/test/support/test-users.ts'
import { ask, posting } from './support/ask.ts'
import { chromiumPath, leave, type Visit, visit } from './support/browser.ts'
import { pausePath } from './support/group.ts'
import { GROUP, PATIENCE, Site, test } from './support/site.ts'

/** The folder that the pictures of the README go into. Without it, they are made after a short load, and thrown away. */
const { SCREENSHOTS } = process.env
const WAIT = { timeout: PATIENCE.timeoutMs }
/** Rounds of load, five a second, before the kill: so there is something to see in the last hour. */
const ROUNDS = SCREENSHOTS ? 620 : 25
/** As high as the page is then, about: a page that must be made higher for its picture is late. */
const BEFORE = { width: 1_180, height: 1_410 }
const AFTER = { width: 1_180, height: 1_550 }
const NARROW = { width: 360, height: 780 }
/** Squares move for less than this, see `moves.js`, and handlers take longer. */
const MOVED_MS = 1_000
const WORK_MS = '1500'

test.skipIf(!chromiumPath)('pictures of the page, while a consumer is killed', { timeout: 300_000 }, async () => {
  const folder = SCREENSHOTS ?? mkdtempSync(join(tmpdir(), 'console-pictures-'))
  const redis = await RedisServer.start(testUsers.map((rule) => rule.replaceAll('test_*', 'user_*')))
  const site = new Site(redis.url, 'user_events')
  const picture = (name: string) => join(folder, `console-${name}.png`)
  try {
    const { url } = await site.console()
    const settings = { CONCURRENCY: '40', LEASE_MS: '6000', MAX_DELIVERIES: '3', RETRY_BASE_MS: '2000' }
    await site.consumer('analytics-1', { ...settings, GROUP: 'analytics', WORK_MS: '20' })
    for (const n of [1, 2]) await site.consumer(`${GROUP}-${n}`, { ...settings, WORK_MS })
    const victim = await site.consumer(`${GROUP}-3`, { ...settings, WORK_MS: '25000', CONCURRENCY: '24' })
    const open = (look: Parameters<typeof visit>[1]) => visit(`${url}/#group=${GROUP}`, look)
    const [light, dark, narrow] = await Promise.all([
      open({ viewport: BEFORE, colorScheme: 'light' }),
      open({ viewport: AFTER, colorScheme: 'dark' }),
      open({ viewport: NARROW, colorScheme: 'light' }),
    ])
    const loading = load(site, url)
    site.onClose(loading.stop)
    await loading.rounds
    await until('the victim holds something', async () => (await site.held(`${GROUP}-3`)) > 12, PATIENCE)
    victim.kill('SIGKILL')
    const says = ({ page }: Visit, text: RegExp) =>
      page.locator(`[data-row="${GROUP}-3"]`).filter({ hasText: text }).waitFor(WAIT)
    // When the picture is there, hardly anything is left of the leases; on a slow machine it may be late.
    await says(light, /its lease is over in (1\.[0-4]|0)|its lease is over[:,]|taken by/)
    await light.page.screenshot({ path: picture('light'), fullPage: true })
    await says(narrow, /taken by/)
    await narrow.page.locator('[aria-labelledby="consumers-title"]').evaluate(scrollToTop)
    await sleep(MOVED_MS)
    await narrow.page.screenshot({ path: picture('narrow') })
    await dark.page.screenshot({ path: picture('dark'), fullPage: true })
    await loading.stop()
    for (const visited of [light, dark, narrow]) await leave(visited)
  } finally {
    await site.close()
    await redis.stop()
    if (!SCREENSHOTS) rmSync(folder, { recursive: true })
  }
})

const scrollToTop = (section: object) => {
  const { style, scrollIntoView } = section as { style: { scrollMarginTop: string }; scrollIntoView(): void }
  style.scrollMarginTop = '14px'
  scrollIntoView.call(section)
}

/**
 * Events that come faster and slower, until it is stopped. Now and then one dies, some fail once and are handled when they
 * are tried again, and the group is paused for some seconds.
 */
function load(site: Site, url: string) {
  let isOn = true
  let tell = () => {}
  const rounds = new Promise<void>((resolve) => {
    tell = resolve
  })
  const control = async (action: 'pause' | 'resume') => {
    const path = pausePath.replace(/pause$/, action)
    expect(await ask(url, path, posting({ dryRun: false }))).toMatchObject({ status: 200 })
  }
  const steps: Record<number, () => unknown> = {
    10: () => site.breakHandlers(),
    20: () => site.publishUnlucky(1, `dies-${Date.now()}`),
    80: () => site.mendHandlers(),
    100: () => site.breakHandlers(),
    101: () => site.publishUnlucky(8, `fails-${Date.now()}`),
    106: () => site.mendHandlers(),
    150: () => control('pause'),
    165: () => control('resume'),
  }
  const run = async () => {
    for (let n = 0; isOn; n += 1) {
      await site.publish(2 + Math.round(6 * Math.abs(Math.sin(n / 40))), `load-${n}`)
      await steps[n % 190]?.()
      if (n === ROUNDS) tell()
      await sleep(200)
    }
  }
  const running = run()
  return {
    rounds,
    async stop() {
      isOn = false
      await running
    },
  }
}
