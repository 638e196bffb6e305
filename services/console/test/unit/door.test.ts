import { expect, test } from 'vitest'
import { COOKIE, Door, SESSION_MS, type Visitor } from '../../src/door.ts'

const TOKEN = 'a-token-of-this-test'
const NOW = Date.parse('2026-01-01T00:00:00Z')

const visitor = (session: string): Visitor => ({
  ...{ address: '127.0.0.1', method: 'GET' },
  headers: { host: 'localhost:8080', cookie: `${COOKIE}=${session}` },
})

test('a session ends after twelve hours, whatever the browser keeps', () => {
  const door = new Door(TOKEN)
  const session = String(door.sessionFor(TOKEN, NOW))
  expect(door.admits(visitor(session), NOW + SESSION_MS - 1)).toBe(true)
  expect(door.admits(visitor(session), NOW + SESSION_MS)).toBe(false)
})

test('a session cannot be made longer, and ends with its token', () => {
  const door = new Door(TOKEN)
  const session = String(door.sessionFor(TOKEN, NOW))
  const [until = '', signature = ''] = session.split('.')
  const forged = [`${Number(until) + 1}.${signature}`, `Infinity.${signature}`, `${until}.`, until, '', `.${signature}`]
  for (const one of forged) expect(door.admits(visitor(one), NOW)).toBe(false)
  expect(new Door('another-token-of-it').admits(visitor(session), NOW)).toBe(false)
})
