import { describe, expect } from 'vitest'
import { type AcknowledgedRetention, trimStream } from '../../src/index.ts'
import { foreignEntry, range } from '../support/events.ts'
import { GROUP, Lab, test } from '../support/lab.ts'

const HOUR_MS = 3_600_000

const trim = (lab: Lab, options: { retention?: AcknowledgedRetention; dryRun?: boolean } = {}) =>
  trimStream({ name: lab.streamName }, { redis: lab.as('operator'), ...options })

/** The dry run says what then happens. */
async function trimTwice(lab: Lab, retention: AcknowledgedRetention = {}) {
  const { length } = await lab.inspect()
  const dry = await trim(lab, { retention, dryRun: true })
  expect(await lab.inspect()).toMatchObject({ length })
  expect(dry.length).toBe(length)
  const real = await trim(lab, { retention })
  expect(real).toEqual({ ...dry, length: length - dry.trimmed })
  expect(await lab.inspect()).toMatchObject({ length: real.length })
  return real
}

async function append(lab: Lab, count: number, agoMs = 0) {
  const ids: string[] = []
  for (const n of range(count)) {
    ids.push(await lab.send('XADD', lab.streamName, `${Date.now() - agoMs}-${n}`, ...foreignEntry({ id: `e${n}` })))
  }
  return ids
}

describe('trimStream', () => {
  test('trims what every group has acknowledged, and names the group that holds the rest back', async ({ lab }) => {
    const ids = await append(lab, 2_345)
    await lab.send('XGROUP', 'CREATE', lab.streamName, 'far', '$')
    await lab.send('XGROUP', 'CREATE', lab.streamName, 'behind', ids[1_233] as string)
    expect(await trimTwice(lab)).toEqual({
      ...{ trimmed: 1_233, length: 1_112 },
      heldBack: { by: 'group', group: 'behind', neededId: ids[1_233], pending: 0 },
    })
    await lab.send('XREADGROUP', 'GROUP', 'behind', 'c', 'STREAMS', lab.streamName, '>')
    await lab.send('XACK', lab.streamName, 'behind', ...ids.filter((_, n) => n !== 2_000))
    expect(await trimTwice(lab)).toEqual({
      ...{ trimmed: 767, length: 345 },
      heldBack: { by: 'group', group: 'behind', neededId: ids[2_000], pending: 1 },
    })
    await lab.send('XACK', lab.streamName, 'behind', ids[2_000] as string)
    expect(await trimTwice(lab)).toEqual({ trimmed: 344, length: 1, heldBack: undefined })
  })

  test('keeps what the retention keeps', async ({ lab }) => {
    const old = await append(lab, 500, 2 * HOUR_MS)
    const young = await append(lab, 300)
    await lab.send('XGROUP', 'CREATE', lab.streamName, GROUP, young[299] as string)
    expect(await trimTwice(lab, { keepAtLeast: 750 })).toEqual({
      ...{ trimmed: 50, length: 750, heldBack: { by: 'keepAtLeast' } },
    })
    expect(await trimTwice(lab, { keepForMs: HOUR_MS })).toEqual({
      ...{ trimmed: 450, length: 300, heldBack: { by: 'keepForMs' } },
    })
    expect(await lab.send('XRANGE', lab.streamName, old[0] as string, old[499] as string)).toEqual([])
  })

  test('comes to an end in a busy stream: what is acknowledged meanwhile stays', async ({ lab: shared }) => {
    const { lab } = await shared.ownRedis()
    await append(lab, 500)
    await lab.send('XGROUP', 'CREATE', lab.streamName, GROUP, '$')
    // So that Redis knows the script by its digest.
    await trim(lab, { dryRun: true })
    const busy = new Lab(lab.url, lab.streamName)
    shared.onClose(() => busy.close())
    await busy.send('PING')
    // Redis takes up again what it has paused in the order in which that came: a first step, the events, a second step.
    await lab.send('CLIENT', 'PAUSE', 60_000, 'WRITE')
    const trimming = trim(lab)
    await lab.paused(1)
    const work = `for n = 1, 50 do redis.call('XADD', KEYS[1], '*', 'n', n) end
      return redis.call('XGROUP', 'SETID', KEYS[1], ARGV[1], '$')`
    const working = busy.send('EVAL', work, 1, lab.streamName, GROUP)
    await lab.paused(2)
    await lab.send('CLIENT', 'UNPAUSE')
    await working
    // The newest one of the 500, and the 50 that came later.
    expect(await trimming).toEqual({ trimmed: 499, length: 51, heldBack: undefined })
  })

  test('trims nothing while a group is missing or gone, or there is none', async ({ lab }) => {
    const ids = await append(lab, 200)
    expect(await trimTwice(lab)).toMatchObject({ trimmed: 0, heldBack: { by: 'no-group' } })
    await lab.send('XGROUP', 'CREATE', lab.streamName, GROUP, '$')
    expect(await trimTwice(lab, { groups: ['b', GROUP, 'a'] })).toMatchObject({
      ...{ trimmed: 0, heldBack: { by: 'missing-groups', groups: ['a', 'b'] } },
    })
    await lab.send('HSET', `{${lab.streamName}}:marks`, 'gone', `${ids[99]} ${Date.now()}`)
    expect(await trimTwice(lab)).toEqual({
      ...{ trimmed: 99, length: 101, heldBack: { by: 'gone-group', group: 'gone', neededId: ids[99] } },
    })
  })

  test('has nothing to do without a stream, and refuses a stream that trims by itself', async ({ lab }) => {
    expect(await trim(lab)).toEqual({ trimmed: 0, length: 0, heldBack: undefined })
    const lossy = lab.stream({ policy: 'maxlen' })
    await expect(trimStream(lossy, { redis: lab.as('operator') })).rejects.toMatchObject({ code: 'INVALID_OPTION' })
  })
})
