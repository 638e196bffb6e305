import { networkInterfaces } from 'node:os'
import { describe, expect } from 'vitest'
import { ask, posting } from './support/ask.ts'
import { isPaused, pausePath, withGroup } from './support/group.ts'
import { GROUP, test } from './support/site.ts'

/** An address of this machine that is not loopback: who asks there comes from outside. */
const outside = Object.values(networkInterfaces())
  .flatMap((addresses) => addresses ?? [])
  .find(({ family, internal }) => family === 'IPv4' && !internal)?.address

const pausing = (headers: Record<string, string>, body: object = { dryRun: false }) => posting(body, headers)

describe('whoever comes', () => {
  test('from this machine may look and act; from another one, or through a proxy, nobody may without a token', async ({
    site,
  }) => {
    await withGroup(site)
    const { url } = await site.console({ CONSOLE_HOST: '0.0.0.0' })
    expect(await ask(url, '/api/session')).toMatchObject({ status: 200 })
    const { port } = new URL(url)
    const localNames = ['localhost', '127.0.0.1', '[::1]'].map((name) =>
      ask(url, '/api/session', { headers: { host: `${name}:${port}` } }),
    )
    expect((await Promise.all(localNames)).map(({ status }) => status)).toEqual([200, 200, 200])
    const strangers: Record<string, string>[] = [
      // Somebody's name, which they have pointed at this machine, so that a browser here opens the page for them.
      { host: `rebound.example:${port}` },
      { 'x-forwarded-for': '127.0.0.1' },
      { forwarded: 'for=127.0.0.1' },
      { via: '1.1 proxy' },
    ]
    for (const headers of strangers) {
      expect(await ask(url, '/api/session', { headers })).toMatchObject({ status: 401 })
      expect(await ask(url, '/api/live', { headers })).toMatchObject({ status: 401 })
      expect(await ask(url, pausePath, pausing(headers))).toMatchObject({ status: 401 })
      // There is no token, so none is the right one.
      expect(await ask(url, '/api/login', { ...pausing(headers), body: { token: '' } })).toMatchObject({ status: 401 })
    }
    expect(await isPaused(site)).toBe(false)
  })

  test.skipIf(!outside)('from an address of another machine is not let in without a token', async ({ site }) => {
    const { url } = await site.console({ CONSOLE_HOST: '0.0.0.0' })
    const seen = url.replace('127.0.0.1', String(outside))
    expect(await ask(seen, '/api/session')).toMatchObject({ status: 401 })
  })

  test('from the page of another site sees nothing and changes nothing', async ({ site }) => {
    await withGroup(site)
    const { url } = await site.console()
    const forged: Record<string, string>[] = [
      { 'content-type': 'text/plain' },
      { 'content-type': 'application/x-www-form-urlencoded' },
      { origin: 'https://evil.example' },
      { origin: 'null' },
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
    ]
    for (const headers of forged) {
      expect(await ask(url, pausePath, pausing(headers))).toMatchObject({ status: 403 })
      expect(await ask(url, '/api/login', pausing(headers))).toMatchObject({ status: 403 })
    }
    for (const from of ['cross-site', 'same-site']) {
      for (const path of ['/api/find?id=x', '/api/live', `/api/groups/${GROUP}/letters`, '/api/session']) {
        expect(await ask(url, path, { headers: { 'sec-fetch-site': from } })).toMatchObject({ status: 403 })
      }
    }
    expect(await isPaused(site)).toBe(false)
    // Nobody's page: somebody has typed the address.
    expect(await ask(url, '/api/session', { headers: { 'sec-fetch-site': 'none' } })).toMatchObject({ status: 200 })
    const own = { origin: url, 'sec-fetch-site': 'same-origin' }
    expect(await ask(url, pausePath, pausing(own))).toMatchObject({ status: 200 })
  })

  test('to a page that is read-only can look, and change nothing', async ({ site }) => {
    await withGroup(site)
    const { url } = await site.console({ CONSOLE_READ_ONLY: 'on' })
    expect(JSON.parse((await ask(url, '/api/session')).body)).toEqual({
      ...{ isReadOnly: true, stream: site.stream, hasToken: false },
    })
    for (const name of ['pause', 'resume', 'redrive', 'purge', 'replay']) {
      expect(await ask(url, `/api/groups/${GROUP}/${name}`, pausing({}))).toMatchObject({ status: 403 })
    }
    expect(await isPaused(site)).toBe(false)
    expect(await ask(url, `/api/groups/${GROUP}/letters`)).toMatchObject({ status: 200 })
  })

  test('is told of a wrong request what is wrong, and of nothing else', async ({ site }) => {
    await withGroup(site)
    const { url } = await site.console()
    const wrong = await ask(url, pausePath, pausing({}, { dryRun: 'perhaps', more: 1 }))
    expect(wrong).toMatchObject({ status: 400, body: expect.stringContaining('dryRun') })
    expect(await ask(url, '/api/groups/nobody/pause', pausing({}))).toMatchObject({ status: 404 })
    expect(await ask(url, '/api/groups/a~b/letters')).toMatchObject({ status: 400 })
    expect(await ask(url, '/api/live?group=a&group=b')).toMatchObject({ status: 400 })
    const ahead = { dryRun: false, from: { entryId: '99999999999999-0' } }
    expect(await ask(url, `/api/groups/${GROUP}/replay`, pausing({}, ahead))).toMatchObject({ status: 400 })
    const noTime = { dryRun: true, from: { time: null } }
    const told = await ask(url, `/api/groups/${GROUP}/replay`, pausing({}, noTime))
    expect(told).toMatchObject({ status: 400, body: expect.stringContaining('from: expected beginning, end, {') })
    expect(await ask(url, '/api/groups/nobody/letters')).toMatchObject({ status: 404 })
    expect(await ask(url, `/api/groups/${GROUP}/letters/1-1`)).toMatchObject({ status: 404 })
    expect(await ask(url, pausePath, pausing({}, { dryRun: true, reason: 'x'.repeat(20_000) }))).toMatchObject({
      status: 413,
    })
    for (const path of ['/package.json', '/../package.json', '/vendor/../settings.js', '/server.ts']) {
      expect(await ask(url, path)).toMatchObject({ status: 404 })
    }
  })

  test('gets a policy that lets nothing in but what the console serves', async ({ site }) => {
    const { url } = await site.console()
    for (const path of ['/', '/main.js', '/api/session', '/nothing', '/api/live']) {
      const { headers } = await ask(url, path)
      const policy = String(headers['content-security-policy'])
      expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self'")
      expect(policy).not.toMatch(/unsafe|https?:|\*/)
      expect(headers['x-content-type-options']).toBe('nosniff')
      expect(headers['access-control-allow-origin']).toBeUndefined()
    }
  })
})

test.for([
  [
    { CONSOLE_TOKEN: 'short' },
    'CONSOLE_TOKEN: expected at least 16 letters, digits and signs without a space, got something else (not shown)',
  ],
  [{ CONSOLE_TOKEN_FILE: '/nope' }, 'CONSOLE_TOKEN_FILE: expected a file that can be read, got ENOENT'],
  [{ CONSOLE_READ_ONLY: 'yes' }, 'CONSOLE_READ_ONLY: expected one of on, off, got "yes"'],
  [{ CONSOLE_HOST: '203.0.113.1' }, 'CONSOLE_PORT, CONSOLE_HOST: expected an address to listen on, got'],
] as const)('wrong settings end it: %o', async ([env, message], { site }) => {
  const worker = site.worker('console', { CONSOLE_PORT: '0', ...env })
  expect(await worker.closed()).toBe(1)
  expect(worker.lines.map(({ msg }) => msg).join('\n')).toContain(message)
})
