import stringWidth from 'string-width'
import { describe, expect } from 'vitest'
import { foreignEntry } from '../../streams-core/test/support/events.ts'
import { GROUP, test } from '../../streams-core/test/support/lab.ts'
import { badNight, ERROR, LONG } from './support/bad-night.ts'
import { cliOf, dataIn, ROOT } from './support/cli.ts'

/** What is wrong with lines for people: too wide, or with signs that a terminal would obey. */
const unfit = (lines: readonly string[]) =>
  lines.filter((line) => stringWidth(line) > 80 || /[\p{Cc}\u202e]/u.test(line))

describe('status', () => {
  test('shows each group, with what it has and has not done, and who works for it', async ({ lab }) => {
    await badNight(lab)
    await lab.send('XGROUP', 'CREATE', lab.streamName, 'x'.repeat(128), '$')
    const cli = cliOf(lab)
    const [lines, found] = await Promise.all([cli.lines('status'), cli.json('status')])
    expect(unfit(lines)).toEqual([])
    const text = lines.join('\n')
    expect(text).toMatch(/7 entries, 2 groups; (redis|valkey) \d+/)
    expect(text).toMatch(/group_1 +working +1 +1 +1 /)
    expect(text).toContain(LONG.consumer.slice(0, 20))
    expect(found.redis).not.toContain('operator')
    expect(found.groups).toMatchObject([
      { group: GROUP, state: 'working', lag: 1, pending: 1, waitingForRetry: 1, deadLetters: 3 },
      { group: 'x'.repeat(128), state: 'idle' },
    ])
  })

  test('of many groups, those with which something is the matter are shown', async ({ lab }) => {
    await lab.producer().publish('counted', { n: 1 })
    for (let n = 0; n < 30; n += 1) await lab.send('XGROUP', 'CREATE', lab.streamName, `idle-${n}`, '$')
    await lab.send('XGROUP', 'CREATE', lab.streamName, 'stuck', '0')
    const cli = cliOf(lab)
    const lines = await cli.lines('status')
    expect(lines.length).toBeLessThan(24)
    expect(lines.join('\n')).toMatch(/^stuck +no consumer/m)
    expect(lines).toContain('and 19 groups more: --json shows all')
    expect((await cli.json('status')).groups).toHaveLength(31)
  })

  test('a stream without anything is no error', async ({ lab }) => {
    const cli = cliOf(lab)
    const [lines, found] = await Promise.all([cli.lines('status'), cli.json('status')])
    expect(lines.join(' ')).toContain('nothing was published yet, or the stream has another name (--stream)')
    expect(found).toMatchObject({ length: 0, groups: [] })
  })
})

describe('find', () => {
  test('an event: each of its entries, what the group has done, and its letters', async ({ lab }) => {
    const { retried, held } = await badNight(lab)
    const cli = cliOf(lab)
    const [ofHeld, ofRetried, ofDead, found, byEntry] = await Promise.all([
      cli.lines('find', 'held', '--payload'),
      cli.lines('find', 'retried'),
      cli.lines('find', LONG.eventId),
      cli.json('find', 'held', '--payload'),
      cli.json('find', retried.entryId),
    ])
    for (const lines of [ofHeld, ofRetried, ofDead]) expect(unfit(lines)).toEqual([])
    expect(ofHeld.join('\n')).toContain(`entry ${held.entryId}: in the stream`)
    expect(ofHeld.join('\n')).toMatch(/group_1: held by\n +host-xxx/)
    expect(ofHeld.join('\n')).toContain('"n": 2')
    expect(ofRetried.join('\n')).toContain('retry due')
    expect(ofRetried.join('\n')).toContain('the bank says')
    expect(ofRetried.join('\n')).not.toContain('"n"')
    expect(ofDead.join('\n')).toMatch(/group_1: dead letter \d+-\d+: rejected/)
    expect(found.entries[0]?.fields).toContain('{"n":2}')
    expect(byEntry.entries[0]).toMatchObject({
      eventId: 'retried',
      groups: [{ group: GROUP, state: { type: 'waiting-for-retry', history: [{ error: expect.any(String) }] } }],
    })
    expect(byEntry.entries[0]).not.toHaveProperty('fields')
  })

  test('an event that was handled after a replay is not called dead, and its data is not shown unasked', async ({
    lab,
  }) => {
    await badNight(lab)
    // A group that is gone has nobody at work: it can start again at once.
    await lab.send('XGROUP', 'DESTROY', lab.streamName, GROUP)
    await lab.openGroups().replay(GROUP, { from: 'beginning' })
    const heir = await lab.consumer()
    await heir.reports.until('all are acknowledged', (reports) => reports.settled('ack').length === 7)
    const cli = cliOf(lab)
    const [lines, found] = await Promise.all([cli.lines('find', 'dead-1'), cli.json('find', 'dead-1')])
    expect(lines.join(' ').replaceAll(/ +/g, ' ')).toMatch(
      /group_1: acknowledged after a replay; dead letter \d+-\d+ is from before it/,
    )
    expect(found.entries[0]?.groups).toMatchObject([{ state: { type: 'acknowledged', letter: { eventId: 'dead-1' } } }])
    expect(JSON.stringify(found)).not.toContain('secret')
  })

  test('what is not there: exit code 3', async ({ lab }) => {
    await lab.producer().publish('counted', { n: 1 })
    const { code, out, err } = await cliOf(lab).run(['find', 'nowhere'])
    expect({ code, out }).toEqual({ code: 3, out: [] })
    expect(err).toMatch(/^streamctl: nowhere is not in test_\w+, .*\n$/)
  })
})

describe('pending', () => {
  test('who has what, what waits for a retry, and why it failed', async ({ lab }) => {
    const { retried, held } = await badNight(lab)
    const cli = cliOf(lab)
    const [lines, ofRetry, one, withPayload] = await Promise.all([
      cli.lines('pending'),
      cli.json('pending', '--consumer', '~retry'),
      cli.json('pending', '--limit', '1', '--group', GROUP),
      cli.json('pending', '--payload'),
    ])
    expect(unfit(lines)).toEqual([])
    expect(lines.join('\n')).toMatch(new RegExp(`${retried.entryId} +group_1 +counted +retry due`))
    expect(lines.join('\n')).toMatch(new RegExp(`${held.entryId} +group_1 +counted +held by host-`))
    expect(lines.join('\n')).toContain(`${retried.entryId} failed: the bank says`)
    expect(ofRetry.events).toMatchObject([{ eventId: 'retried', state: { type: 'waiting-for-retry', deliveries: 1 } }])
    expect(one).toMatchObject({ events: [{ eventId: 'retried' }], hasMore: true })
    expect(one.events[0]).not.toHaveProperty('fields')
    expect(withPayload.events[1]?.fields).toContain('{"n":2}')
  })
})

describe('tail', () => {
  test('shows new events, by type or subject; the data only if asked for', async ({ lab }) => {
    const producer = lab.producer()
    await producer.publish('noted', { text: 'old' }, { id: 'old' })
    await lab.send('XADD', lab.streamName, '*', ...foreignEntry({ type: 'noted', subject: LONG.subject }))
    const cli = cliOf(lab)
    const bySubject = cli.start(['tail', '--subject', 'user_7', '--count', '2', '--payload'])
    const byType = cli.start(['tail', '--type', 'noted', '--last', '2', '--count', '3', '--json'])
    await byType.shows('the old ones', (out) => out.split('\n').length > 2)
    await lab.until('both have seen enough', async () => {
      await producer.publish('counted', { n: 1 }, { subject: 'user_7' })
      await producer.publish('counted', { n: 2 }, { subject: 'user_8' })
      await producer.publish('noted', { text: 'new' })
      return bySubject.child.exitCode !== null && byType.child.exitCode !== null
    })
    const [shown, json] = await Promise.all([bySubject.done(), byType.done()])
    expect([shown.code, json.code]).toEqual([0, 0])
    expect(unfit(shown.out)).toEqual([])
    expect(shown.out.filter((line) => /^\d\d:\d\d:\d\d\.\d{3} +\d+-\d+ +counted +user_7$/.test(line))).toHaveLength(2)
    expect(shown.out.join('\n')).toContain('"n": 1')
    expect(shown.out.join('\n')).not.toContain('user_8')
    const entries = json.out.map((line) => dataIn('tail', line, lab.streamName))
    expect(entries.map(({ eventType }) => eventType)).toEqual(['noted', 'noted', 'noted'])
    expect(entries[0]).toMatchObject({ eventId: 'old' })
    expect(entries[0]).not.toHaveProperty('fields')
  })
})

describe('publish', () => {
  test('checks the data by the catalog where one is named', async ({ lab }) => {
    const cli = cliOf(lab)
    const checked = ['publish', 'user.deleted', '--catalog', 'packages/events', '--id', 'from-night']
    const first = await cli.run([...checked, '--data', '-'], { cwd: ROOT, input: '{"userId":"user_7"}' })
    expect(first).toMatchObject({ code: 0, err: '' })
    expect(first.out[0]).toMatch(/^from-night published as \d+-\d+$/)
    const [again, wrong, unknown, noJson, unchecked] = await Promise.all([
      cli.run([...checked, '--data', '{"userId":"user_7"}', '--json'], { cwd: ROOT }),
      cli.run([...checked, '--data', '{"userId":7}'], { cwd: ROOT }),
      cli.run(['publish', 'user.gone', '--catalog', 'packages/events', '--data', '{}'], { cwd: ROOT }),
      cli.run(['publish', 'user.deleted', '--data', 'secret']),
      cli.json('publish', 'anything', '--data', '[1]', '--subject', 'user_9'),
    ])
    expect(dataIn('publish', again.out[0] ?? '', lab.streamName)).toMatchObject({ duplicate: true, checked: true })
    expect(wrong).toMatchObject({ code: 2, err: expect.stringContaining('userId') })
    expect(unknown).toMatchObject({ code: 2, err: expect.stringContaining('it has user.registered, ') })
    expect(noJson).toMatchObject({ code: 2, err: 'streamctl: --data: expected JSON, got something else (not shown)\n' })
    expect(unchecked).toMatchObject({ duplicate: false, checked: false })
    expect(await lab.send('XLEN', lab.streamName)).toBe(2)
  })
})

describe('doctor', () => {
  test('finds nothing wrong, or says what to do', async ({ lab }) => {
    const cli = cliOf(lab)
    const [lines, well] = await Promise.all([cli.lines('doctor'), cli.json('doctor')])
    expect(unfit(lines)).toEqual([])
    expect(well.isWell).toBe(true)
    const verdictOf = (check: string) => well.findings.find((finding) => finding.check === check)?.verdict
    for (const check of ['settings', 'connection', 'version', 'persistence', 'eviction', 'rights', 'clock', 'keys'])
      expect(verdictOf(check), check).toBe('ok')
    await lab.send('SET', lab.streamName, 'text')
    const sick = await cli.run(['doctor'])
    await lab.send('DEL', lab.streamName)
    expect(sick.code).toBe(1)
    expect(sick.out.join(' ')).toMatch(/problem +keys .* is of type string, +not stream/)
    expect(sick.out.join(' ')).toContain('To do: another program uses this name')
  })

  test('weak settings and missing rights', async ({ lab: shared }) => {
    const { redis, lab } = await shared.ownRedis(['--appendonly', 'no', '--maxmemory-policy', 'allkeys-lru'])
    await lab.send(
      'ACL',
      'SETUSER',
      'weak',
      'on',
      '>secret',
      `~${lab.streamName}`,
      `~{${lab.streamName}}:*`,
      '+eval',
      '+evalsha',
      '+info',
    )
    const weak = { REDIS_URL: `redis://weak:secret@127.0.0.1:${redis.port}`, STREM: 'x' }
    const { code, out } = await cliOf(lab).run(['doctor', '--json'], { env: weak })
    expect(code).toBe(1)
    const { findings } = dataIn('doctor', out[0] ?? '', lab.streamName)
    const of = (check: string) => findings.filter((finding) => finding.check === check)
    expect(of('settings')).toMatchObject([
      { verdict: 'warning', says: expect.stringContaining('did you mean STREAM?') },
    ])
    expect(of('persistence')).toMatchObject([{ verdict: 'warning', remedy: 'CONFIG SET appendonly yes' }])
    expect(of('eviction')).toMatchObject([{ verdict: 'warning', remedy: 'CONFIG SET maxmemory-policy noeviction' }])
    expect(of('rights')[0]).toMatchObject({ verdict: 'problem', remedy: expect.stringContaining('+xadd') })
    expect(of('clock')).toMatchObject([{ verdict: 'unknown' }])
    expect(out.join('')).not.toContain('secret')
  })

  test('no connection is a finding, too', async ({ lab }) => {
    const away = await cliOf(lab).run(['doctor'], { env: { REDIS_URL: 'redis://127.0.0.1:1' } })
    expect(away.code).toBe(5)
    expect(away.out.join(' ')).toMatch(/problem +connection .*ECONNREFUSED/)
    expect(away.out.join(' ')).toContain('To do: is Redis running')
  })
})

test('an error that quotes anything stays on its line', () => expect(unfit([ERROR])).toHaveLength(1))
