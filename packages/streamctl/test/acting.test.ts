import { describe, expect } from 'vitest'
import { GROUP, type Lab, test } from '../../streams-core/test/support/lab.ts'
import { badNight, LONG } from './support/bad-night.ts'
import { cliOf, dataIn, ROOT } from './support/cli.ts'

const letterIds = async (lab: Lab) => (await lab.deadLetters()).map(({ letterId }) => letterId)

describe('dead letters', () => {
  test('are listed by group, type, reason and age, without their data', async ({ lab }) => {
    await badNight(lab)
    const cli = cliOf(lab)
    const [lines, all, two, none, young] = await Promise.all([
      cli.lines('dead', 'list'),
      cli.json('dead list'),
      cli.json('dead list', '--limit', '2', '--group', GROUP),
      cli.json('dead list', '--type', 'counted'),
      cli.json('dead list', '--reason', 'rejected', '--younger-than', '1h', '--type', 'noted'),
    ])
    expect(lines[0]).toMatch(/^LETTER +ENTRY +GROUP +TYPE +REASON +DIED$/)
    const { letterId: newest, entryId } = (await lab.deadLetters()).at(-1) ?? {}
    expect(lines[1]).toMatch(new RegExp(`^${newest}  ${entryId}  group_1  noted  +rejected +.* ago$`))
    // From here the way leads to find. Of errors that are alike, one is told.
    expect(lines.filter((line) => / died: /.test(line))).toEqual([
      expect.stringMatching(new RegExp(`^${newest} died: no such text: the bank says`)),
    ])
    expect(all.letters.map(({ eventId }) => eventId)).toEqual([LONG.eventId, 'dead-2', 'dead-1'])
    expect(all.letters[0]).not.toHaveProperty('fields')
    expect(two).toMatchObject({ letters: [{ eventId: LONG.eventId }, { eventId: 'dead-2' }], hasMore: true })
    expect(none).toEqual({ letters: [], hasMore: false })
    expect(young.letters).toHaveLength(3)
  })

  test('one is shown by its id or by that of its event or its entry, in whatever group it is', async ({ lab }) => {
    await badNight(lab)
    const [letter] = await lab.deadLetters()
    const [first, entryId] = [letter?.letterId ?? '', letter?.entryId ?? '']
    const cli = cliOf(lab)
    const [lines, byEvent, byEntry, missing] = await Promise.all([
      cli.lines('dead', 'show', first, '--payload'),
      cli.json('dead show', LONG.eventId),
      cli.json('dead show', entryId),
      cli.run(['dead', 'show', '1-1']),
    ])
    expect(byEntry).toMatchObject({ letterId: first, entryId })
    await lab.send('XGROUP', 'CREATE', lab.streamName, 'audit', '$')
    expect(await cli.json('dead show', first)).toEqual(byEntry)
    expect(await cli.run(['dead', 'show', '1-1'])).toMatchObject({
      ...{ code: 3, err: 'streamctl: no group has a dead letter 1-1\n' },
    })
    await lab.send('XADD', `{${lab.streamName}}:audit:dead`, first, 'not', 'a letter')
    expect(await cli.run(['dead', 'show', first])).toMatchObject({
      ...{
        code: 2,
        err: `streamctl: several groups have a dead letter ${first}: say which with --group: audit, group_1\n`,
      },
    })
    expect(await cli.json('dead show', first, '--group', GROUP)).toEqual(byEntry)
    expect(lines.join('\n')).toContain('"text": "secret"')
    expect(byEvent).toMatchObject({ eventId: LONG.eventId, reason: 'rejected' })
    expect(byEvent).not.toHaveProperty('fields')
    expect(missing).toMatchObject({ code: 3, err: `streamctl: group ${GROUP} has no dead letter 1-1\n` })
  })

  test('are redriven by id or by filter; nothing happens without a choice', async ({ lab }) => {
    await badNight(lab)
    const [first = '', second = ''] = await letterIds(lab)
    const cli = cliOf(lab)
    const [noChoice, both, planned] = await Promise.all([
      cli.run(['dead', 'redrive']),
      cli.run(['dead', 'redrive', first, '--all']),
      cli.json('dead redrive', '--type', 'noted', '--dry-run'),
    ])
    expect([noChoice.code, both.code]).toEqual([2, 2])
    expect(noChoice.err).toContain('say which letters')
    expect(planned).toEqual({ group: GROUP, redriven: 3, skipped: 0, unreadable: 0, dryRun: true })
    expect(await cli.lines('dead', 'redrive', first)).toEqual(['1 letter of group_1 redriven'])
    expect(await cli.json('dead redrive', '--reason', 'rejected', '--max-per-second', '100')).toMatchObject({
      redriven: 2,
    })
    expect(await letterIds(lab)).toEqual([])
    expect(await cli.lines('dead', 'redrive', '--all')).toEqual(['nothing to redrive: group_1 has no such dead letter'])
    const gone = await cli.run(['dead', 'redrive', second])
    expect(gone.code).toBe(3)
    expect(await lab.send('XLEN', lab.streamName)).toBe(10)
  })

  test('that cannot be read are left where they are, by id as well as by filter, and it fits the terminal', async ({
    lab,
  }) => {
    const group = 'g'.repeat(128)
    await lab.send('XGROUP', 'CREATE', lab.streamName, group, '$', 'MKSTREAM')
    const letter = await lab.send<string>('XADD', `{${lab.streamName}}:${group}:dead`, '*', 'not', 'a letter')
    const cli = cliOf(lab)
    const expected = { group, redriven: 0, skipped: 1, unreadable: 1 }
    for (const which of [letter, '--all']) {
      expect(await cli.json('dead redrive', which, '--dry-run')).toEqual({ ...expected, dryRun: true })
      expect(await cli.json('dead redrive', which)).toEqual({ ...expected, dryRun: false })
      expect((await cli.lines('dead', 'redrive', which)).join(' ')).toMatch(/nothing to redrive in +ggg/)
    }
    expect((await cli.lines('dead', 'purge', '--all', '--yes')).at(-1)).toContain('deleted')
    expect(await cli.lines('publish', 'a.b', '-d', '1', '--id', `e\u001b[31m${'x'.repeat(100)}`)).toContainEqual(
      expect.stringContaining('e\\u{1b}[31m'),
    )
  })

  test('are purged only after a yes', async ({ lab }) => {
    await badNight(lab)
    const [first = ''] = await letterIds(lab)
    const cli = cliOf(lab)
    const [unasked, planned, noChoice] = await Promise.all([
      cli.run(['dead', 'purge', '--all']),
      cli.json('dead purge', '--type', 'noted', '--dry-run'),
      cli.run(['dead', 'purge', '--json']),
    ])
    expect(unasked).toMatchObject({ code: 4, out: [] })
    expect(unasked.err).toBe(
      'streamctl: Delete 3 dead letters of group_1 for good? Nobody can be asked here: say it with --yes\n',
    )
    expect(planned).toEqual({ group: GROUP, purged: 3, dryRun: true })
    expect(JSON.parse(noChoice.out[0] ?? '')).toMatchObject({
      command: 'dead purge',
      ok: false,
      error: { exitCode: 2 },
    })
    expect(await letterIds(lab)).toHaveLength(3)
    expect(await cli.json('dead purge', first, '--yes')).toMatchObject({ purged: 1 })
    expect(await cli.lines('dead', 'purge', '--all', '--yes')).toEqual(['2 letters of group_1 deleted'])
    expect(await letterIds(lab)).toEqual([])
  })
})

describe('groups', () => {
  test('are created, set back and deleted', async ({ lab }) => {
    const producer = lab.producer()
    for (const n of [1, 2, 3]) await producer.publish('counted', { n })
    const cli = cliOf(lab)
    expect(await cli.json('group create', 'audit', '--from', 'end')).toMatchObject({ existed: false, toHandle: 0 })
    const [again, unasked, planned] = await Promise.all([
      cli.run(['group', 'create', 'audit']),
      cli.run(['group', 'replay', 'audit', '--from', '10m']),
      cli.lines('group', 'replay', 'audit', '--from', 'beginning', '--dry-run'),
    ])
    expect(again.code).toBe(7)
    expect(unasked.code).toBe(4)
    expect(unasked.err).toMatch(
      /^streamctl: Group audit would be set to 10 min ago \(.*Z\): 3 entries to handle, whether /,
    )
    expect(unasked.err).toContain('Effects happen again. Its dead letters stay: ')
    expect(planned.join(' ').replaceAll(/ +/g, ' ')).toMatch(
      /^Group audit would be set to the oldest entry in the stream: 3 entries to handle, whether it had handled them or not\./,
    )
    expect(await lab.group('audit')).toMatchObject({ lag: 0 })
    expect(await cli.json('group replay', 'audit', '--from', '10m', '--yes')).toMatchObject({
      toHandle: 3,
      dryRun: false,
    })
    expect(await lab.group('audit')).toMatchObject({ lag: 3 })
    expect(await cli.json('group delete', 'audit', '--dry-run')).toMatchObject({ existed: true, lag: 3 })
    expect(await cli.json('group delete', 'audit', '--yes')).toMatchObject({ existed: true, lag: 3, dryRun: false })
    expect((await lab.inspect()).groups).toEqual([])
  })

  test('are created at the beginning, the end, a time, a time ago or an entry', async ({ lab }) => {
    const producer = lab.producer()
    const ids: string[] = []
    for (const n of [1, 2, 3]) ids.push((await producer.publish('counted', { n })).entryId)
    const cli = cliOf(lab)
    const startOf = async (from: string) => {
      const { startsAfter, toHandle } = await cli.json('group create', 'audit', '--from', from, '--dry-run')
      return [startsAfter, toHandle]
    }
    expect(await startOf('beginning')).toEqual(['0-0', 3])
    expect(await startOf('end')).toEqual([ids[2], 0])
    expect(await startOf('10m')).toEqual([expect.stringMatching(/^\d+-18446744073709551615$/), 3])
    expect(await startOf('2026-01-01T00:00:00Z')).toEqual([expect.stringMatching(/^1767225599999-/), 3])
    expect((await startOf(ids[1] as string))[1]).toBe(2)
    expect((await lab.inspect()).groups).toEqual([])
  })

  test('whose names are mistyped are not created, not deleted, and not said to be resumed: exit code 3', async ({
    lab,
  }) => {
    await lab.send('XGROUP', 'CREATE', lab.streamName, 'billing', '$', 'MKSTREAM')
    const cli = cliOf(lab)
    const ran = await Promise.all(
      [
        ['replay', 'biling', '--from', '10m', '--yes'],
        ['delete', 'biling', '--yes'],
        ['pause', 'biling'],
        ['resume', 'biling'],
        ['limit', 'biling', '5'],
      ].map((words) => cli.run(['group', ...words])),
    )
    for (const { code, out, err } of ran) {
      expect({ code, out }).toEqual({ code: 3, out: [] })
      expect(err).toContain('has no group biling: it has billing\n')
    }
    expect((await lab.inspect()).groups.map(({ group }) => group)).toEqual(['billing'])
    // What is left of a group that is gone can be deleted.
    await lab.send('XADD', `{${lab.streamName}}:biling:dead`, '*', 'not', 'a letter')
    expect(await cli.json('group delete', 'biling', '--yes')).toMatchObject({ existed: false, deadLetters: 1 })
  })

  test('that are at work are left alone: exit code 7', async ({ lab }) => {
    const consumer = await lab.consumer()
    // Redis 7.0 knows a consumer only once it has been given an entry.
    await lab.producer().publish('counted', { n: 1 })
    await consumer.reports.until('it is handled', (reports) => reports.settled('ack').length === 1)
    const cli = cliOf(lab)
    const [planned, refused, noDelete] = await Promise.all([
      cli.json('group replay', GROUP, '--from', 'end', '--dry-run'),
      cli.run(['group', 'replay', GROUP, '--from', 'end', '--yes']),
      cli.run(['group', 'delete', GROUP]),
    ])
    expect(planned.atWork).toEqual([consumer.name])
    expect([refused.code, noDelete.code]).toEqual([7, 7])
    expect(refused.err).toMatch(/^streamctl: group group_1 is at work: .* sign of life for [\d.]+ m?s more\n$/)
  })

  test('are paused, resumed and limited', async ({ lab }) => {
    await lab.send('XGROUP', 'CREATE', lab.streamName, GROUP, '$', 'MKSTREAM')
    await lab.producer().publish('counted', { n: 1 })
    const cli = cliOf(lab)
    const paused = await cli.json('group pause', GROUP, '--reason', 'the bank is down')
    expect(paused).toMatchObject({ paused: { by: 'operator', reason: 'the bank is down' }, pausedTypes: [] })
    const [status, ofType] = await Promise.all([
      cli.lines('status'),
      cli.json('group pause', GROUP, '--type', 'counted'),
    ])
    expect(status.join(' ')).toContain('the bank is down')
    expect(status.join(' ')).toMatch(/group_1 +paused/)
    expect(ofType.pausedTypes).toMatchObject([{ eventType: 'counted' }])
    expect((await cli.lines('group', 'pause', GROUP)).join(' ')).toMatch(
      /^group_1 is paused already, since .*Z: the bank is down\./,
    )
    expect((await cli.json('group resume', GROUP, '--type', 'noted')).paused).toEqual(paused.paused)
    expect(await cli.lines('group', 'resume', GROUP)).toEqual([
      'group_1 goes on: consumers see it within a second.',
      expect.stringMatching(/^counted in group_1 is paused since /),
    ])
    expect((await cli.lines('group', 'resume', GROUP))[0]).toBe('group_1 was not paused: nothing was changed.')
    expect(await cli.json('group resume', GROUP, '--type', 'counted')).toEqual({ group: GROUP, pausedTypes: [] })
    expect(await cli.json('group limit', GROUP, '50')).toMatchObject({ limitPerSecond: 50 })
    expect(await cli.json('group limit', GROUP, 'none')).not.toHaveProperty('limitPerSecond')
    expect((await cli.run(['group', 'limit', GROUP, 'much'])).code).toBe(2)
  })

  test('in which an event type is to be paused that nobody knows are asked about', async ({ lab }) => {
    await lab.send('XGROUP', 'CREATE', lab.streamName, GROUP, '$', 'MKSTREAM')
    await lab.producer().publish('counted', { n: 1 })
    const cli = cliOf(lab)
    const pause = ['group', 'pause', GROUP, '--type']
    const warning = 'streamctl: No event of type conted is known; known are counted.'
    const [unasked, json] = await Promise.all([cli.run([...pause, 'conted']), cli.run([...pause, 'conted', '--json'])])
    expect(unasked).toMatchObject({
      ...{ code: 4, out: [], err: `${warning} Pause it all the same? Nobody can be asked here: say it with --yes\n` },
    })
    expect(JSON.parse(json.out[0] ?? '')).toMatchObject({ ok: false, error: { code: 'NOT_CONFIRMED' } })
    expect((await lab.group()).pausedTypes).toEqual([])
    const catalog = ['--catalog', 'packages/events']
    expect(await cli.run([...pause, 'user.deleted', ...catalog], { cwd: ROOT })).toMatchObject({ code: 0, err: '' })
    expect(await cli.run([...pause, 'conted', '--yes'])).toMatchObject({
      ...{ code: 0, err: `streamctl: No event of type conted is known; known are counted, user.deleted.\n` },
    })
    // What is paused is known.
    expect(await cli.run([...pause, 'conted', '--reason', 'why'])).toMatchObject({ code: 0, err: '' })
    expect((await lab.group()).pausedTypes).toMatchObject([{ eventType: 'conted' }, { eventType: 'user.deleted' }])
  })

  test('of several, one must be named', async ({ lab }) => {
    for (const name of ['a', 'b']) await lab.send('XGROUP', 'CREATE', lab.streamName, name, '$', 'MKSTREAM')
    const cli = cliOf(lab)
    const [which, unknown] = await Promise.all([
      cli.run(['dead', 'purge', '--all', '--yes']),
      cli.run(['pending', '--group', 'c']),
    ])
    expect(which).toMatchObject({ code: 2, err: 'streamctl: say which group with --group: a, b\n' })
    expect(unknown).toMatchObject({ code: 3, err: expect.stringContaining('has no group c: it has a, b') })
  })
})

describe('tidying', () => {
  test('names of consumers are pruned', async ({ lab }) => {
    await lab.send('XGROUP', 'CREATE', lab.streamName, GROUP, '$', 'MKSTREAM')
    for (const name of ['one', 'two']) await lab.send('XGROUP', 'CREATECONSUMER', lab.streamName, GROUP, name)
    const cli = cliOf(lab)
    const planned = await cli.json('consumers prune', '--idle', '0ms', '--dry-run')
    expect(planned.pruned.map(({ name }) => name).sort()).toEqual(['one', 'two'])
    expect(await cli.json('consumers prune', '--idle', '1h')).toMatchObject({ pruned: [] })
    expect((await cli.lines('consumers', 'prune', '--idle', '0ms')).at(-1)).toBe('2 names deleted')
    expect((await lab.group()).consumers).toEqual([])
  })

  test('what every group has acknowledged is trimmed after a yes; what holds the rest back is named', async ({
    lab,
  }) => {
    const producer = lab.producer()
    const [, , third] = [
      await producer.publish('counted', { n: 1 }),
      await producer.publish('counted', { n: 2 }),
      await producer.publish('counted', { n: 3 }),
    ]
    await lab.send('XGROUP', 'CREATE', lab.streamName, GROUP, third.entryId)
    await producer.publish('counted', { n: 4 })
    const cli = cliOf(lab)
    const [planned, unasked, lossy] = await Promise.all([
      cli.lines('trim', '--dry-run'),
      cli.run(['trim']),
      cli.run(['trim'], { env: { RETENTION: 'maxlen' } }),
    ])
    expect(planned.join(' ')).toMatch(/^\d entries would be trimmed; the stream holds 4/)
    expect([unasked.code, lossy.code]).toEqual([4, 2])
    const done = await cli.json('trim', '--yes')
    expect(done).toMatchObject({ heldBack: { by: 'group', group: GROUP }, dryRun: false })
    expect(await lab.send('XLEN', lab.streamName)).toBe(done.length)
    expect(done.trimmed).toBeGreaterThan(0)
  })

  test('trimming keeps what the settings of the services keep', async ({ lab }) => {
    const producer = lab.producer()
    for (const n of [1, 2, 3]) await producer.publish('counted', { n })
    await lab.send('XGROUP', 'CREATE', lab.streamName, GROUP, '$')
    const trimmedWith = async (env: Record<string, string>) => {
      const { out } = await cliOf(lab).run(['trim', '--dry-run', '--json'], { env })
      return dataIn('trim', out[0] ?? '', lab.streamName)
    }
    expect((await trimmedWith({})).trimmed).toBeGreaterThan(0)
    expect(await trimmedWith({ KEEP_FOR_MS: '3600000' })).toMatchObject({ trimmed: 0, heldBack: { by: 'keepForMs' } })
  })
})
