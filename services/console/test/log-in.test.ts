import { describe, expect } from 'vitest'
import { ask, posting } from './support/ask.ts'
import { isPaused, pausePath, withGroup } from './support/group.ts'
import { GROUP, test } from './support/site.ts'

const TOKEN = 'a-token-of-this-test'
const PAUSE = { dryRun: false }

async function logIn(url: string, headers: Record<string, string> = {}): Promise<string> {
  const answer = await ask(url, '/api/login', posting({ token: TOKEN }, headers))
  expect(answer.status).toBe(200)
  return String(answer.headers['set-cookie'])
}

describe('where there is a token', () => {
  test('everybody needs it, also on this machine: a proxy there may not say that it is one', async ({ site }) => {
    await withGroup(site)
    const { url } = await site.console({ CONSOLE_TOKEN: TOKEN })
    for (const path of ['/api/session', '/api/live', '/api/find?id=x', `/api/groups/${GROUP}/letters`]) {
      expect(await ask(url, path)).toMatchObject({ status: 401, body: expect.stringContaining('"hasToken":true') })
    }
    expect(await ask(url, pausePath, posting(PAUSE))).toMatchObject({ status: 401 })
    expect(await isPaused(site)).toBe(false)
    const [cookie = ''] = (await logIn(url)).split(';')
    expect(await ask(url, '/api/session', { headers: { cookie } })).toMatchObject({ status: 200 })
    expect(await ask(url, pausePath, posting(PAUSE, { cookie }))).toMatchObject({ status: 200 })
    expect(await isPaused(site)).toBe(true)
  })

  test('whoever shows it gets a cookie that no script can read and no other site sends', async ({ site }) => {
    const { url } = await site.console({ CONSOLE_TOKEN: TOKEN })
    const proxied = { 'x-forwarded-for': '192.0.2.1' }
    const cookie = await logIn(url, proxied)
    expect(cookie).toMatch(/^console_session=\d+\.[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict; Max-Age=43200$/)
    expect(await logIn(url, { ...proxied, 'x-forwarded-proto': 'https' })).toMatch(/; Secure$/)
    expect(cookie).not.toContain(TOKEN)
    const session = { ...proxied, cookie: `other=1; ${cookie.split(';')[0]}` }
    expect(await ask(url, '/api/session', { headers: session })).toMatchObject({ status: 200 })
    expect((await ask(url, '/api/live', { headers: session })).headers['content-type']).toBe('text/event-stream')
    for (const wrong of ['', TOKEN, 'A'.repeat(43), `${Date.now() + 60_000}.${'A'.repeat(43)}`]) {
      const headers = { ...proxied, cookie: `console_session=${wrong}` }
      expect(await ask(url, '/api/session', { headers })).toMatchObject({ status: 401 })
    }
    const left = await ask(url, '/api/logout', posting({}, session))
    expect(String(left.headers['set-cookie'])).toMatch(/^console_session=; .*Max-Age=0$/)
  })

  test('ten wrong ones within a minute are enough; they are logged, and right ones do not count', async ({ site }) => {
    const { worker, url } = await site.console({ CONSOLE_TOKEN: TOKEN })
    const show = async (token: string) => (await ask(url, '/api/login', posting({ token }))).status
    for (let n = 0; n < 11; n += 1) expect(await show(TOKEN)).toBe(200)
    for (let n = 0; n < 10; n += 1) expect(await show('a-guess-at-the-token')).toBe(401)
    expect(await show('a-guess-at-the-token')).toBe(429)
    expect(await show(TOKEN)).toBe(429)
    worker.kill('SIGTERM')
    await worker.closed()
    const logged = worker.lines.filter(({ msg }) => msg === 'somebody has shown a wrong token')
    expect(logged.map(({ by }) => by)).toEqual(Array(10).fill('127.0.0.1'))
    expect(JSON.stringify(worker.lines)).not.toContain('a-guess')
  })
})
