import { RedisServer } from '@redis-streams-processor/testbed'
import { expect } from 'vitest'
import { testUsers } from '../../../packages/streams-core/test/support/test-users.ts'
import { ask, posting } from './support/ask.ts'
import { withGroup } from './support/group.ts'
import { eventsOf, look } from './support/looks.ts'
import { GROUP, Site, test } from './support/site.ts'

const GROUPS = 100
const CONSUMERS = 100
const VIEWERS = 20
/** Viewers who look into a group that there is not. They must take nothing from the others. */
const ASTRAY = 60
const LOOKS = 8

async function callsOf(site: Site, command: string): Promise<number> {
  const stats = await site.send<string>('INFO', 'commandstats')
  return Number(new RegExp(`cmdstat_${command}:calls=(\\d+)`).exec(stats)?.[1] ?? 0)
}

test('many viewers of 100 groups and 100 consumers cost Redis two looks a second at most', async () => {
  const redis = await RedisServer.start(testUsers)
  const site = new Site(redis.url)
  try {
    for (let n = 0; n < GROUPS; n += 1) await site.send('XGROUP', 'CREATE', site.stream, `group-${n}`, '0', 'MKSTREAM')
    const ids = await site.publish(CONSUMERS)
    for (const [n] of ids.entries()) {
      await site.send('XREADGROUP', 'GROUP', 'group-0', `consumer-${n}`, 'COUNT', '1', 'STREAMS', site.stream, '>')
    }
    const { url } = await site.console()
    const [before, since] = [await callsOf(site, 'evalsha'), performance.now()]
    const viewers = Array.from({ length: VIEWERS }, (_, n) => look(url, `group-${n % 2}`, LOOKS))
    const astray = Array.from({ length: ASTRAY }, (_, n) => look(url, `nobody-${n}`, LOOKS))
    const [seen, [nobody]] = [await Promise.all(viewers), await Promise.all(astray)]
    const looked = (await callsOf(site, 'evalsha')) - before
    const seconds = (performance.now() - since) / 1_000
    // One more at each end of the time.
    expect(looked).toBeLessThanOrEqual(2 * seconds + 2)
    expect(looked).toBeGreaterThanOrEqual(LOOKS)
    const newest = seen[0]?.at(-1)
    expect(newest?.groups.length).toBe(GROUPS)
    expect(newest?.groups.find(({ group }) => group === 'group-0')?.consumers).toBe(CONSUMERS)
    expect(newest?.into?.holders.map(({ pending, entries }) => [pending, entries.length])).toEqual(
      Array.from({ length: CONSUMERS }, () => [1, 1]),
    )
    expect(seen[1]?.at(-1)?.into?.holders).toEqual([])
    expect(nobody?.at(-1)?.groups.length).toBe(GROUPS)
    expect(nobody?.at(-1)?.into).toBeUndefined()
  } finally {
    await site.close()
    await redis.stop()
  }
})

test('what was seen before somebody came is shown to them', async ({ site }) => {
  await withGroup(site)
  await site.publish(3)
  const { url } = await site.console()
  const [first] = await look(url, GROUP, 1)
  for await (const { name, data } of eventsOf(url, GROUP)) {
    if (name !== 'history') continue
    const [sample] = data as { at: number; lag: number }[]
    expect(sample?.lag).toBe(3)
    expect(sample?.at).toBeLessThanOrEqual(Number(first?.nowMs))
    break
  }
})

test('while Redis is away the page says so, and it goes on when Redis is back', async () => {
  const redis = await RedisServer.start(testUsers)
  const site = new Site(redis.url)
  try {
    await site.send('XGROUP', 'CREATE', site.stream, 'group', '0', 'MKSTREAM')
    const { worker, url } = await site.console()
    expect(await look(url, 'group', 1)).toHaveLength(1)
    const ready = async () => (await fetch(`http://127.0.0.1:${await worker.opsPort()}/readyz`)).status
    expect(await ready()).toBe(200)
    await redis.kill()
    const response = await fetch(`${url}/api/live?group=group`)
    await worker.waitFor(({ msg }) => msg === 'Redis does not answer')
    const { value } = (await response.body?.getReader().read()) ?? {}
    expect(Buffer.from(value ?? []).toString()).toContain('retry: 1000')
    expect(await ready()).toBe(503)
    expect(await ask(url, '/api/groups/group/letters/1-1')).toMatchObject({ status: 503 })
    const route = '/api/groups/:group/letters/:letterId'
    await worker.waitFor((line) => line.msg === 'a request failed' && line.route === route)
    expect(await ask(url, '/api/groups/group/pause', posting({ dryRun: false }))).toMatchObject({ status: 503 })
    await redis.start()
    await worker.waitFor(({ msg }) => msg === 'Redis answers again')
    expect((await look(url, 'group', 1))[0]?.groups).toHaveLength(1)
    worker.kill('SIGTERM')
    expect(await worker.exited()).toBe(0)
  } finally {
    await site.close()
    await redis.stop()
  }
})
