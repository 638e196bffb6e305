import { describe, expect } from 'vitest'
import { foreignEntry } from '../../streams-core/test/support/events.ts'
import { GROUP, test } from '../../streams-core/test/support/lab.ts'
import { badNight, ERROR, LONG } from './support/bad-night.ts'
import { cliOf, dataIn, ROOT, unfitOf } from './support/cli.ts'

describe('status', () => {
  test('shows each group, with what it has and has not done, and who works for it', async ({ lab }) => {
    await badNight(lab)
    await lab.send('XGROUP', 'CREATE', lab.streamName, 'x'.repeat(128), '$')
    const cli = cliOf(lab)
    const [lines, found] = await Promise.all([cli.lines('status'), cli.json('status')])
    const text = lines.join('\n')
    expect(text).toMatch(/7 entries, 2 groups; (redis|valkey) \d+/)
    expect(text).toMatch(/group_1 +working +1 +1 +1 /)
    expect(text).toContain(LONG.consumer.slice(0, 20))
    expect(found.redis).not.toContain('operator')
    expect(found.groups).toMatchObject([
      { group: GROUP, state: 'working', lag: 1, pending: 1, waitingForRetry: 1, deadLetters: 3, alive: 1 },
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

  test('says why a group is stuck: nobody is there, its circuit is open, a type is paused, it is limited', async ({
    lab,
  }) => {
    const consumer = await lab.consumer({
      circuit: { failureShare: 1, deliveries: 1 },
      retry: { delayMs: () => 3_600_000 },
      handlers: {
        counted() {
          throw new Error('no')
        },
      },
    })
    lab.mayLeavePending = true
    await lab.producer().publish('counted', { n: 1 })
    await consumer.reports.until('its circuit opens', (reports) => reports.of('circuit-opened').length === 1)
    const cli = cliOf(lab)
    const ofCircuit = await cli.lines('status')
    expect(ofCircuit.join('\n')).toMatch(/^group_1 +circuit open/m)
    expect(ofCircuit.join(' ')).toMatch(/group_1: paused by its circuit, .* To go on: +group +resume group_1/)
    await consumer.stop()
    await cli.lines('group', 'resume', GROUP)
    await cli.lines('group', 'pause', GROUP, '--type', 'counted')
    await lab.send('DEL', `{${lab.streamName}}:${GROUP}:clock`)
    const { groups } = await cli.json('status')
    expect(groups).toMatchObject([{ state: 'no-consumer', why: expect.stringContaining('it never had one'), alive: 0 }])
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
    expect(ofHeld.join('\n')).not.toContain('runs since')
  })

  test('an event that runs: at whom, and since when', async ({ lab }) => {
    const { held } = await badNight(lab)
    const [since, notedAt] = [Date.now() - 240_000, Date.now() + 60_000]
    const runs = `{${lab.streamName}}:${GROUP}:runs:${LONG.consumer}`
    await lab.send('HSET', runs, held.entryId, `1 ${since} ${notedAt}`)
    const cli = cliOf(lab)
    const [lines, found] = await Promise.all([cli.lines('find', 'held'), cli.json('find', 'held')])
    const runningSince = new Date(since).toISOString()
    expect(lines.join(' ').replaceAll(/ +/g, ' ')).toMatch(
      new RegExp(
        `delivery 1, runs since ${runningSince.slice(0, 19).replace('T', ' ')}Z \\(4(\\.0)? min .*ago\\), lease extended`,
      ),
    )
    expect(found.entries[0]?.groups).toMatchObject([{ state: { type: 'held', runningSince } }])
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

  test('an event that was redriven: its old entry, and the new one, which is for one group only', async ({ lab }) => {
    await badNight(lab)
    await lab.send('XGROUP', 'CREATE', lab.streamName, 'audit', '$')
    const cli = cliOf(lab)
    const [letter = ''] = (await lab.deadLetters()).map(({ letterId }) => letterId)
    await cli.lines('dead', 'redrive', letter, '--group', GROUP)
    const [lines, found] = await Promise.all([cli.lines('find', 'dead-1'), cli.json('find', 'dead-1')])
    const text = lines.join(' ').replaceAll(/ +/g, ' ')
    const [copy, old] = found.entries.map(({ entryId }) => entryId)
    expect(text).toMatch(new RegExp(`^entry ${copy}: .*, redriven for group_1 event dead-1`))
    expect(text).toContain('group_1: not delivered yet')
    expect(text).toContain('audit: not for this group, which passes it over: it was redriven for group_1 only')
    expect(text).toMatch(new RegExp(`entry ${old}: .* group_1: it died here, and was redriven as entry ${copy}$`))
  })

  test('an event whose consumer is dead: its lease is over, and pending says so, too', async ({ lab }) => {
    const { held } = await badNight(lab)
    await lab.send('XCLAIM', lab.streamName, GROUP, 'dead', 0, held.entryId, 'IDLE', 3_700_000)
    const cli = cliOf(lab)
    const shown = await Promise.all([cli.lines('find', 'held'), cli.lines('pending', '--consumer', 'dead')])
    for (const lines of shown) {
      const text = lines.join(' ').replaceAll(/ +/g, ' ')
      expect(text).toMatch(
        /held by dead, whose lease is over: others may take it\. Delivery 2, lease extended 1 h 1 min ago/,
      )
    }
    expect((await cli.json('pending', '--consumer', 'dead')).events).toMatchObject([{ state: { isLeaseOver: true } }])
  })

  test('why the group does not go on with an event', async ({ lab }) => {
    await badNight(lab)
    await lab.send('XGROUP', 'CREATE', lab.streamName, 'audit', '0')
    await lab.openControls().pause({ reason: 'the bank is down' })
    const cli = cliOf(lab)
    const [lines, found] = await Promise.all([cli.lines('find', 'unread'), cli.json('find', 'unread')])
    expect(lines.join(' ').replaceAll(/ +/g, ' ')).toMatch(
      new RegExp(
        'audit: not delivered yet held up: no consumer is at work, it never had one: start one, or see why they ended ' +
          'group_1: not delivered yet held up: paused by an operator, since .*Z: the bank is down. To go on: group resume group_1',
      ),
    )
    expect(found.entries[0]?.groups).toMatchObject([
      { group: 'audit', hindrances: [{ type: 'no-consumer' }] },
      { group: GROUP, hindrances: [{ type: 'paused', by: 'operator', reason: 'the bank is down' }] },
    ])
  })

  test('what is not there: exit code 3', async ({ lab }) => {
    const { entryId } = await lab.producer().publish('counted', { n: 1 })
    const cli = cliOf(lab)
    const [some, lossy] = [
      await cli.run(['find', 'nowhere']),
      await cli.run(['find', '1-1'], { env: { RETENTION: 'maxlen' } }),
    ]
    expect(some).toMatchObject({ code: 3, out: [] })
    const since = new Date(Number(entryId.split('-')[0])).toISOString().slice(0, 19).replace('T', ' ')
    expect(some.err).toBe(
      `streamctl: nowhere is not in ${lab.streamName}, which goes back to ${since}Z, nor among its dead letters. ` +
        'If it was published before that, every group has handled it, and it was trimmed since; else it never was\n',
    )
    expect(lossy).toMatchObject({
      code: 3,
      err: expect.stringContaining('handled it, or it was dropped unread, and it was trimmed since\n'),
    })
    await lab.send('DEL', lab.streamName)
    expect((await cli.run(['find', 'nowhere'])).err).toContain(
      'which is empty, nor among its dead letters. If it was ever published, every group has handled it, and it was ',
    )
  })

  test('what was handled and trimmed is told from what never was', async ({ lab }) => {
    const consumer = await lab.consumer()
    const { entryId } = await lab.producer().publish('counted', { n: 1 }, { id: 'handled' })
    await consumer.reports.until('it is handled', (reports) => reports.settled('ack').length === 1)
    await lab.send('XTRIM', lab.streamName, 'MAXLEN', '=', 0)
    const cli = cliOf(lab)
    const lines = await cli.lines('find', 'handled')
    expect(lines[0]).toContain(`entry ${entryId}: not in the stream any more, published`)
    expect(lines).toContain('  group_1: handled, or passed over, and trimmed since')
    expect(await cli.run(['find', entryId])).toMatchObject({
      ...{ code: 3, err: expect.stringContaining('every group has handled it, and it was trimmed since\n') },
    })
    // What lies between entries that are there, and what lies ahead, was not trimmed.
    const { entryId: newest } = await lab.producer().publish('counted', { n: 2 })
    const [ms, sequence] = newest.split('-')
    const errorOf = async (id: string) => (await cli.run(['find', id])).err
    expect(await errorOf(`${ms}-${Number(sequence) + 1}`)).toContain('No entry has got such an id yet\n')
    await lab.producer().publish('counted', { n: 3 })
    expect(await errorOf(`${ms}-${Number(sequence) + 1}`)).toContain('If there was such an entry, it was deleted\n')
  })
})

describe('pending', () => {
  test('who has what, what waits for a retry, and why it failed', async ({ lab }) => {
    const { retried, held } = await badNight(lab)
    const cli = cliOf(lab)
    const [lines, ofRetry, one, withPayload] = await Promise.all([
      cli.lines('pending'),
      cli.json('pending', '--waiting'),
      cli.json('pending', '--limit', '1', '--group', GROUP),
      cli.json('pending', '--payload'),
    ])
    expect(lines.join('\n')).toMatch(new RegExp(`${retried.entryId} +group_1 +counted +retry due`))
    // A long name goes on below; nothing is cut.
    expect(lines.join('\n')).toMatch(new RegExp(`${held.entryId} +group_1 +counted +held by\\s+host-`))
    expect(lines.join('\n')).not.toContain('…')
    expect(lines.join('\n')).toContain(`${retried.entryId} failed: the bank says`)
    expect(ofRetry.events).toMatchObject([{ eventId: 'retried', state: { type: 'waiting-for-retry', deliveries: 1 } }])
    expect(one).toMatchObject({ events: [{ eventId: 'retried' }], hasMore: true })
    expect(one.events[0]).not.toHaveProperty('fields')
    expect((await cli.json('pending', '--consumer', LONG.consumer)).events).toMatchObject([{ eventId: 'held' }])
    expect(withPayload.events[1]?.fields).toContain('{"n":2}')
  })
})

test('of several groups, pending and dead letters are told in the order of their time', async ({ lab }) => {
  lab.mayLeavePending = true
  const producer = lab.producer()
  const ids: string[] = []
  for (const n of [0, 1, 2, 3]) ids.push((await producer.publish('counted', { n })).entryId)
  for (const [group, start] of [
    ['a', ids[1]],
    ['b', '0'],
  ] as const) {
    await lab.send('XGROUP', 'CREATE', lab.streamName, group, start as string)
    await lab.send('XREADGROUP', 'GROUP', group, 'dead', 'COUNT', 2, 'STREAMS', lab.streamName, '>')
  }
  for (const [n, group] of ['a', 'b', 'a', 'b'].entries())
    await lab.send('XADD', `{${lab.streamName}}:${group}:dead`, `${n + 1}-1`, 'of', group)
  const cli = cliOf(lab)
  const [pending, letters] = [await cli.json('pending', '--limit', '3'), await cli.json('dead list', '--limit', '3')]
  expect(pending.events.map(({ group, entryId }) => [group, entryId])).toEqual([
    ...[0, 1].map((n) => ['b', ids[n]]),
    ['a', ids[2]],
  ])
  expect(letters.letters.map(({ group }) => group)).toEqual(['b', 'a', 'b'])
  expect([pending.hasMore, letters.hasMore]).toEqual([true, true])
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
    expect(unfitOf(shown.out)).toEqual([])
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
    const [, well] = await Promise.all([cli.lines('doctor'), cli.json('doctor')])
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

test('an error that quotes anything stays on its line', () => expect(unfitOf([ERROR])).toHaveLength(1))
