import { setTimeout as sleep } from 'node:timers/promises'
import { RedisServer } from '@redis-streams-processor/testbed'
import { expect } from 'vitest'
import { testUsers } from '../../../packages/streams-core/test/support/test-users.ts'
import { ask } from './support/ask.ts'
import { withGroup } from './support/group.ts'
import { look, looksOf } from './support/looks.ts'
import { monitor } from './support/monitor.ts'
import { GROUP, Site, test } from './support/site.ts'

const VIEWERS = 20
const LOOKS = 10
/** Events that pages follow, and how many pages follow each of them. */
const FOLLOWED = 4
const FOLLOWERS = 3
const FOLLOW_UPS = 3
/** As in `find.js`. */
const REST_MS = 3_000
const GROUPS = [GROUP, 'other', 'third']
/** Of a connection, not of what is asked for; and those of the test itself. */
const ASIDE = ['HELLO', 'CLIENT', 'INFO', 'CONFIG', 'AUTH', 'SELECT', 'XADD', 'PING']

const lettersPath = (group: string) => `/api/groups/${group}/letters`

/** As a page does: asks for the newest letters of its group whenever their number has changed. */
async function view(url: string, name: string): Promise<number> {
  let [asked, shown, looks] = [0, -1, 0]
  for await (const { groups } of looksOf(url, name)) {
    const letters = groups.find(({ group }) => group === name)?.deadLetters ?? 0
    if (letters !== shown) {
      const { letters: page } = JSON.parse((await ask(url, lettersPath(name))).body)
      // A page is never older than the look that made the browser ask for it.
      expect(page.length).toBeGreaterThanOrEqual(Math.min(letters, 25))
      shown = letters
      asked += 1
    }
    looks += 1
    if (looks >= LOOKS) break
  }
  return asked
}

test('many pages of many groups that show letters while events die cost Redis two commands a second at most', async () => {
  const redis = await RedisServer.start(testUsers)
  const site = new Site(redis.url)
  try {
    for (const group of GROUPS) await withGroup(site, group)
    const { url } = await site.console()
    let isOver = false
    const dying = async () => {
      while (!isOver)
        for (const group of GROUPS) await site.send('XADD', `{${site.stream}}:${group}:dead`, '*', 'a', 'letter')
    }
    const died = dying()
    const { commands, stop } = await monitor(redis.url)
    const since = performance.now()
    const asked = await Promise.all(
      Array.from({ length: VIEWERS }, (_, n) => view(url, GROUPS[n % GROUPS.length] as string)),
    )
    const seconds = (performance.now() - since) / 1_000
    const sent = commands.filter(({ command }) => !ASIDE.includes(command))
    isOver = true
    await died
    stop()
    // One more at each end of the time.
    expect(sent.length).toBeLessThanOrEqual(2 * seconds + 2)
    expect(Math.min(...asked)).toBeGreaterThan(LOOKS / 2)
  } finally {
    await site.close()
    await redis.stop()
  }
})

/** As a page does that shows a found event: asks for it again, time after time. Returns as of when each answer was. */
async function follow(url: string, id: string, times: number): Promise<number[]> {
  const asOf: number[] = []
  for (let n = 0; n < times; n += 1) {
    asOf.push(Date.parse(JSON.parse((await ask(url, `/api/find?id=${id}&again=yes`)).body).asOf))
    await sleep(REST_MS)
  }
  return asOf
}

test('pages that follow events, and all that look, ask Redis twice a second at most', async () => {
  const redis = await RedisServer.start(testUsers)
  const site = new Site(redis.url)
  try {
    await withGroup(site)
    const ids = await site.publish(FOLLOWED)
    const { url } = await site.console()
    await look(url, GROUP, 1)
    const { commands, stop } = await monitor(redis.url)
    const since = performance.now()
    let isOver = false
    const watch = async () => {
      for await (const _ of looksOf(url, GROUP)) if (isOver) break
    }
    const watching = Array.from({ length: VIEWERS }, watch)
    const followed = ids.flatMap((id) => Array.from({ length: FOLLOWERS }, () => follow(url, id, FOLLOW_UPS)))
    const asOf = await Promise.all(followed)
    const seconds = (performance.now() - since) / 1_000
    stop()
    isOver = true
    await Promise.all(watching)
    const looks = commands.filter(({ words }) => words.includes(`"${GROUP}"`)).length
    // Each search begins with what the stream holds, asked for by an id that no entry has.
    const followUps = commands.filter(({ words }) => words.includes('"0-0"')).length
    // One more at each end of the time.
    expect(looks + followUps).toBeLessThanOrEqual(2 * seconds + 2)
    // Neither starves the other, and all who follow the same event share what is looked up.
    expect(looks).toBeGreaterThanOrEqual(followUps - 1)
    expect(followUps).toBeLessThanOrEqual(FOLLOWED * (FOLLOW_UPS + 1))
    // Each answer is newer than the one before it.
    for (const times of asOf) expect(times).toEqual([...new Set(times)].sort((a, b) => a - b))
    for (const times of asOf) expect(times).toHaveLength(FOLLOW_UPS)
  } finally {
    await site.close()
    await redis.stop()
  }
})

test('requests share a few connections', async () => {
  const redis = await RedisServer.start(testUsers)
  const site = new Site(redis.url)
  try {
    const { url } = await site.console()
    const groups = Array.from({ length: 12 }, (_, n) => `group-${n}`)
    const askAll = () => Promise.all(groups.map((group) => ask(url, `${lettersPath(group)}/1-1`)))
    for (let n = 0; n < 5; n += 1) expect((await askAll()).map(({ status }) => status)).toEqual(groups.map(() => 404))
    const clients = await site.send<string>('CLIENT', 'LIST')
    expect(clients.split('\n').filter((client) => client.includes('name=dead-letters'))).toHaveLength(4)
  } finally {
    await site.close()
    await redis.stop()
  }
})
