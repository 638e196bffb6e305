import { until } from '@redis-streams-processor/testbed'
import { describe, expect } from 'vitest'
import { ask, posting } from './support/ask.ts'
import { withGroup } from './support/group.ts'
import { look } from './support/looks.ts'
import { GROUP, PATIENCE, type Site, test } from './support/site.ts'

/** In the payload of what fails. */
const SECRET = 'insufficient_funds'
const LETTERS = 8

const pathOf = (action: string) => `/api/groups/${GROUP}/${action}`

/** Dead letters, and nobody at work any more. */
async function withLetters(site: Site, letters = LETTERS) {
  const consumer = await site.consumer('worker', { MAX_DELIVERIES: '1' })
  await site.publishUnlucky(letters)
  await site.untilDead(letters)
  await consumer.stop()
}

async function letters(site: Site): Promise<number> {
  return site.send<number>('XLEN', `{${site.stream}}:${GROUP}:dead`)
}

/** Begins a redrive that takes many seconds; resolves once it has told of a letter. */
async function beginRedrive(url: string) {
  const leaving = new AbortController()
  const body = JSON.stringify({ dryRun: false, maxPerSecond: 1, text: SECRET })
  const headers = { 'content-type': 'application/json' }
  const answer = await fetch(`${url}${pathOf('redrive')}`, { method: 'POST', headers, body, signal: leaving.signal })
  const reader = answer.body?.getReader()
  const { value } = (await reader?.read()) ?? {}
  return { line: JSON.parse(Buffer.from(value ?? []).toString()), leave: () => leaving.abort() }
}

describe('a change that takes long', () => {
  test('says how far it is, stops when who asked goes away, and is in the log', async ({ site }) => {
    await withLetters(site)
    const { worker, url } = await site.console()
    const { line, leave } = await beginRedrive(url)
    expect(line).toMatchObject({ soFar: { redriven: 1, skipped: 0 } })
    const change = { action: 'redrive', group: GROUP, by: '127.0.0.1' }
    const asked = { maxPerSecond: 1, textLength: SECRET.length }
    const begun = await worker.waitFor(({ msg }) => msg === 'a change for an operator begins')
    expect(begun).toMatchObject({ ...change, asked })
    leave()
    const ended = await worker.waitFor(({ msg }) => msg === 'a change for an operator has ended')
    const { redriven } = ended.done as { redriven: number }
    expect(ended).toMatchObject({ ...change, asked, wasStopped: true })
    expect(redriven).toBeLessThan(LETTERS)
    expect(await letters(site)).toBe(LETTERS - redriven)
    expect(JSON.stringify(worker.lines)).not.toContain(SECRET)
  })

  test('is in the log with what was done when the console ends meanwhile', async ({ site }) => {
    await withLetters(site)
    const { worker, url } = await site.console()
    const { leave } = await beginRedrive(url)
    worker.kill('SIGTERM')
    expect(await worker.closed()).toBe(0)
    leave()
    const ended = worker.lines.find(({ msg }) => msg === 'a change for an operator has ended')
    const redriven = Number((ended?.done as { redriven: number } | undefined)?.redriven)
    expect(ended).toMatchObject({ wasStopped: true })
    expect(redriven).toBeGreaterThan(0)
    expect(await letters(site)).toBe(LETTERS - redriven)
  })
})

test('what was confirmed is what is done: letters that died since the dry run are not meant', async ({ site }) => {
  await withGroup(site)
  const { url } = await site.console()
  const send = async (action: string, body: object) => JSON.parse((await ask(url, pathOf(action), posting(body))).body)
  const purge = (body: object) => send('purge', body)
  const none = await purge({ dryRun: true, confirm: '' })
  expect(await send('redrive', { dryRun: true })).toEqual({ redriven: 0, skipped: 0, unreadable: 0, to: none.to })
  await site.send('XADD', `{${site.stream}}:${GROUP}:dead`, '*', 'a', 'letter')
  expect(await send('redrive', { dryRun: false, to: none.to })).toMatchObject({ skipped: 0 })
  // It cannot be read: a redrive leaves it.
  expect(await send('redrive', { dryRun: false })).toMatchObject({ skipped: 1 })
  expect(await purge({ dryRun: false, confirm: GROUP, to: none.to })).toMatchObject({ purged: 0 })
  const one = await purge({ dryRun: true, confirm: '' })
  await site.send('XADD', `{${site.stream}}:${GROUP}:dead`, '*', 'a', 'letter')
  expect(await ask(url, pathOf('purge'), posting({ dryRun: false, confirm: 'another', to: one.to }))).toMatchObject({
    status: 400,
  })
  expect(await purge({ dryRun: false, confirm: GROUP, to: one.to })).toMatchObject({ purged: 1 })
  expect(await letters(site)).toBe(1)
})

test('the answer to a pause is how the group stands now', async ({ site }) => {
  const { url } = await site.console()
  // Nobody looks: the console looks every ten seconds, and has not seen this group yet.
  await look(url, GROUP, 1)
  await withGroup(site)
  const send = async (action: string, body: object) => JSON.parse((await ask(url, pathOf(action), posting(body))).body)
  const paused = await send('pause', { dryRun: false, reason: 'a deploy' })
  expect(paused.paused).toMatchObject({ by: 'operator', reason: 'a deploy' })
  const typed = await send('pause', { dryRun: false, eventType: 'payment.failed' })
  expect(typed.pausedTypes).toMatchObject([{ eventType: 'payment.failed' }])
  await send('resume', { dryRun: false, eventType: 'payment.failed' })
  expect(await send('resume', { dryRun: false })).toEqual({ pausedTypes: [] })
})

test('a payload is in no answer but to those who ask for it', async ({ site }) => {
  await withLetters(site, 1)
  const { url } = await site.console()
  const find = async () => (await ask(url, '/api/find?id=event-user_1003-0')).body
  const stateIn = (body: string) => JSON.parse(body).entries[0].groups[0].state
  const dead = await find()
  expect(stateIn(dead)).toMatchObject({ type: 'dead', letter: { error: 'database timeout' } })
  expect(dead).not.toContain(SECRET)
  const { entryId } = JSON.parse(dead).entries[0]
  expect((await ask(url, `/api/entries/${entryId}`)).body).toContain(SECRET)
  expect(await ask(url, '/api/entries/1-1')).toMatchObject({ status: 404 })
  expect((await ask(url, pathOf('letters'))).body).not.toContain(SECRET)

  site.mendHandlers()
  const replaying = posting({ dryRun: false, from: 'beginning' })
  await until('it is replayed', async () => (await ask(url, pathOf('replay'), replaying)).status === 200, PATIENCE)
  await site.consumer('worker')
  await until('it is handled', async () => stateIn(await find()).type === 'acknowledged', PATIENCE)
  const handled = await find()
  expect(stateIn(handled)).toMatchObject({ letter: { error: 'database timeout' } })
  expect(handled).not.toContain(SECRET)
})
