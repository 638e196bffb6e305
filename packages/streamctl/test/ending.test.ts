import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ownChild } from '@redis-streams-processor/testbed'
import { describe, expect } from 'vitest'
import { GROUP, type Lab, test } from '../../streams-core/test/support/lab.ts'
import { exitCodes } from '../src/tool/exit-codes.ts'
import { badNight } from './support/bad-night.ts'
import { cliOf, NODE, ROOT } from './support/cli.ts'

describe('errors are one line and an exit code', () => {
  test('Redis is away', async ({ lab }) => {
    const env = { REDIS_URL: 'redis://127.0.0.1:1' }
    const cli = cliOf(lab)
    const [plain, json] = await Promise.all([cli.run(['status'], { env }), cli.run(['status', '--json'], { env })])
    expect(plain).toMatchObject({ code: exitCodes.unavailable[0], out: [] })
    expect(plain.err).toMatch(/^streamctl: .*ECONNREFUSED.* \(REDIS_URL or --redis says where Redis is\)\n$/)
    expect(json).toMatchObject({ code: 5, err: '' })
    expect(JSON.parse(json.out[0] ?? '')).toEqual({
      command: 'status',
      ok: false,
      error: { code: 'REDIS_UNAVAILABLE', message: expect.stringContaining('ECONNREFUSED'), exitCode: 5 },
    })
  })

  test('a wrong password, a missing right, a key of another type', async ({ lab: shared }) => {
    const { redis, lab } = await shared.ownRedis()
    await lab.send('ACL', 'SETUSER', 'looker', 'on', '>secret', `~${lab.streamName}`, '+xlen')
    await lab.send('SET', `${lab.streamName}2`, 'text')
    const cli = cliOf(lab)
    const as = (user: string) => ({ env: { REDIS_URL: `redis://${user}@127.0.0.1:${redis.port}` } })
    const [password, right, type] = await Promise.all([
      cli.run(['status'], as('looker:wrong')),
      cli.run(['status'], as('looker:secret')),
      cli.run(['status', '--stream', `${lab.streamName}2`]),
    ])
    expect([password.code, right.code, type.code]).toEqual([6, 6, 6])
    expect(password.err).toMatch(/^streamctl: WRONGPASS .*\n$/)
    expect(right.err).toMatch(/^streamctl: NOPERM .*\n$/)
    expect(type.err).toMatch(/^streamctl: .*WRONGTYPE.*\n$/)
  })

  test('wrong words and wrong settings', async ({ lab }) => {
    const cli = cliOf(lab)
    const wrong = [
      [['statsu'], /^streamctl: unknown command 'statsu' \(Did you mean status\?\)\n$/],
      [['tail', '--payloads'], /unknown option '--payloads' \(Did you mean --payload\?\)\n$/],
      [['find'], /missing required argument 'id'\n$/],
      [['dead', 'list', '--reason', 'bad'], /Allowed choices are malformed, /],
      [['dead', 'list', '--older-than', 'long'], /Expected a time span such as 90s, 10m, 2h or 7d\.\n$/],
      [['group', 'replay', GROUP, '--from', 'then'], /Expected beginning, end, /],
      [['status', '--redis', 'http://x:secret@y'], /^streamctl: REDIS_URL: expected a URL such as .* \(not shown.*\n$/],
      [['publish', 'a.b', '--data', '1', '--catalog', 'nowhere'], /--catalog: there is no /],
    ] as const
    const all = await Promise.all(wrong.map(([words]) => cli.run(words)))
    for (const [i, { code, out, err }] of all.entries()) {
      expect({ code, out }, err).toEqual({ code: 2, out: [] })
      expect(err).toMatch(wrong[i]?.[1] ?? '')
      expect(err).not.toContain('secret')
    }
  })
})

describe('settings', () => {
  test('come from .env and from files, as those of the services', async ({ lab: shared }) => {
    const { redis, lab } = await shared.ownRedis(['--user', 'night', 'on', '>night-secret', '~*', '+@all'])
    await lab.producer().publish('counted', { n: 1 })
    const folder = mkdtempSync(join(tmpdir(), 'streamctl-'))
    lab.onClose(async () => rmSync(folder, { recursive: true }))
    writeFileSync(join(folder, 'password'), 'night-secret\n')
    const lines = [`REDIS_URL=redis://night@127.0.0.1:${redis.port}`, `STREAM=${lab.streamName}`]
    writeFileSync(join(folder, '.env'), [...lines, `REDIS_PASSWORD_FILE=${join(folder, 'password')}`].join('\n'))
    const { code, out, err } = await cliOf(lab).run(['status'], { cwd: folder, env: { REDIS_URL: '', STREAM: '' } })
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(out[0]).toContain(`${lab.streamName}: 1 entry, 0 groups`)
    expect(out.join('')).not.toContain('night-secret')
  })
})

describe('Ctrl-C and broken pipes', () => {
  test.for([[['status', '--watch', '50ms']], [['tail', '--last', '5']]])(
    '%s ends well with Ctrl-C',
    async ([words = []], { lab }) => {
      await lab.producer().publish('counted', { n: 1 })
      const running = cliOf(lab).start(words)
      await running.shows('something', (out) => out.split('\n').length > 1)
      running.child.kill('SIGINT')
      expect(await running.done()).toMatchObject({ code: 0, err: '' })
    },
  )

  test('--watch goes on while Redis restarts, and tail as well', async ({ lab: shared }) => {
    const { redis, lab } = await shared.ownRedis(['--appendfsync', 'always'])
    const producer = lab.producer()
    await producer.publish('counted', { n: 1 })
    const cli = cliOf(lab)
    const watch = cli.start(['status', '--watch', '50ms', '--json'])
    const tail = cli.start(['tail', '--last', '1', '--json'])
    await watch.shows('a first look', (out) => out.includes('"length":1'))
    await tail.shows('an event', (out) => out.includes('entryId'))
    await redis.restart()
    await producer.publish('counted', { n: 2 }, { id: 'after' })
    await watch.shows('a look after the restart', (out) => out.includes('"length":2'))
    await tail.shows(
      'the event after the restart',
      (out, err) => out.includes('after') && err.includes('Redis is back'),
    )
    for (const running of [watch, tail]) running.child.kill('SIGINT')
    expect([(await watch.done()).code, (await tail.done()).code]).toEqual([0, 0])
  })

  test('Ctrl-C in the middle of a redrive: what was redriven stays so', async ({ lab }) => {
    await badNight(lab)
    const running = cliOf(lab).start(['dead', 'redrive', '--all', '--max-per-second', '0.1'])
    await lab.until('one is redriven', async () => (await lab.deadLetters()).length === 2)
    running.child.kill('SIGINT')
    const { code, out, err } = await running.done()
    expect({ code, out }).toEqual({ code: 130, out: [] })
    expect(err).toBe('streamctl: stopped early: 1 letter of group_1 redriven\n')
    expect(await lab.deadLetters()).toHaveLength(2)
  })

  test('Ctrl-C in the middle of a redrive by ids: those that follow stay', async ({ lab }) => {
    await badNight(lab)
    const ids = (await lab.deadLetters()).map(({ letterId }) => letterId)
    const running = cliOf(lab).start(['dead', 'redrive', ...ids, '--max-per-second', '0.1'])
    await lab.until('one is redriven', async () => (await lab.deadLetters()).length === 2)
    running.child.kill('SIGINT')
    expect(await running.done()).toMatchObject({
      ...{ code: 130, out: [], err: 'streamctl: stopped early: 1 letter of group_1 redriven\n' },
    })
    expect(await lab.deadLetters()).toHaveLength(2)
  })

  test.for([[['pending']], [['trim', '--dry-run']], [['group', 'replay', GROUP, '--from', '10m']]])(
    'one Ctrl-C ends %s at once',
    async ([words = []], { lab: shared }) => {
      const { lab } = await shared.ownRedis()
      await lab.send('XGROUP', 'CREATE', lab.streamName, GROUP, '$', 'MKSTREAM')
      // Holds up scripts, and not what a test asks.
      await lab.send('CLIENT', 'PAUSE', 60_000, 'WRITE')
      const running = cliOf(lab).start(words)
      await lab.paused(1)
      running.child.kill('SIGINT')
      expect(await running.done()).toMatchObject({ code: 130, out: [], err: 'streamctl: stopped early\n' })
    },
  )

  test('a reader that has seen enough ends it without a word', async ({ lab }) => {
    const producer = lab.producer()
    await producer.publish('counted', { n: 1 })
    const running = cliOf(lab).start(['tail', '--last', '1'])
    await running.shows('an event', (out) => out.includes('counted'))
    running.child.stdout?.destroy()
    await lab.until('it has ended', async () => {
      await producer.publish('counted', { n: 2 })
      return running.child.exitCode !== null
    })
    expect(await running.done()).toMatchObject({ code: exitCodes.brokenPipe[0], err: '' })
  })
})

/** Runs it on a terminal, on which somebody types an answer, once `sign` is seen and `meanwhile` is done. */
async function onTerminal(
  lab: Lab,
  words: readonly string[],
  answer: string,
  meanwhile: () => Promise<unknown> = async () => {},
  sign = '[y/N]',
) {
  const command = [...NODE, ...words].map((word) => `'${word}'`).join(' ')
  const env = {
    PATH: process.env.PATH,
    HOME: process.env.HOME,
    REDIS_URL: String(lab.as('operator')),
    STREAM: lab.streamName,
  }
  const child = ownChild(spawn('script', ['-qec', command, '/dev/null'], { env, cwd: tmpdir(), stdio: 'pipe' }))
  let output = ''
  let isAnswered = false
  child.stdout.on('data', (chunk) => {
    output += chunk
    if (isAnswered || !output.includes(sign)) return
    isAnswered = true
    void meanwhile().then(() => child.stdin.write(answer))
  })
  const [code] = await once(child, 'close')
  return { code, output }
}

describe.skipIf(process.platform !== 'linux')('on a terminal', () => {
  test.for([
    ['y\r', 0, 0],
    ['n\r', 4, 3],
    ['\r', 4, 3],
    ['\u0004', 4, 3],
    ['\u0003', 130, 3],
  ] as const)('a purge asks first: %j', async ([answer, code, left], { lab }) => {
    await badNight(lab)
    const ran = await onTerminal(lab, ['dead', 'purge', '--all'], answer)
    expect(ran.output).toContain('Delete 3 dead letters of group_1 for good? [y/N]')
    expect(ran.code).toBe(code)
    expect(await lab.deadLetters()).toHaveLength(left)
  })

  test('a purge deletes what it has counted, and not what dies while it waits for the answer', async ({ lab }) => {
    await badNight(lab)
    const key = `{${lab.streamName}}:${GROUP}:dead`
    const another = async () => {
      const [[, fields]] = (await lab.send('XRANGE', key, '-', '+', 'COUNT', '1')) as [[string, string[]]]
      await lab.send('XADD', key, '*', ...fields)
    }
    const ran = await onTerminal(lab, ['dead', 'purge', '--all'], 'y\r', another)
    expect(ran.output).toContain('3 letters of group_1 deleted')
    expect(await lab.deadLetters()).toHaveLength(1)
  })

  test('a bar says how far long work is, and goes when it is done', async ({ lab }) => {
    await badNight(lab)
    const { output } = await onTerminal(lab, ['dead', 'redrive', '--all', '--max-per-second', '5'], '')
    const parts = output.split('\r\u001b[K')
    expect(parts).toContainEqual(expect.stringMatching(/^\[█*·*\] \d+ % {2}\d of 3 letters found$/))
    expect(parts).toContainEqual(expect.stringMatching(/^\[█+·+\] 33 % {2}1 of 3 letters$/))
    expect(parts.at(-1)?.trim()).toBe('3 letters of group_1 redriven')
    const found = await onTerminal(lab, ['find', 'handled'], '')
    expect(found.output.split('\r\u001b[K')).toContainEqual(
      expect.stringMatching(/^\[█+·*\] \d+ % {2}\d+ of \d+ entries looked at$/),
    )
  })

  test.for([
    [['group', 'create', 'audit'], 'created at'],
    [['group', 'replay', GROUP], 'set to'],
  ] as const)('%j shows a bar while it counts', async ([words, done], { lab }) => {
    const append = `for n = 1, ARGV[1] do redis.call('XADD', KEYS[1], '*', 'n', n) end
      return redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 2)[2][1]`
    const second = await lab.send<string>('EVAL', append, 1, lab.streamName, 2_500)
    await lab.send('XGROUP', 'CREATE', lab.streamName, GROUP, '$')
    const { output, code } = await onTerminal(lab, [...words, '--from', second], 'y\r')
    expect(output.split('\r\u001b[K')).toContain(
      `[${'█'.repeat(10)}${'·'.repeat(14)}] 40 %  1,000 of 2,500 entries counted`,
    )
    expect(output.replace(/\s+/g, ' ')).toMatch(new RegExp(`is ${done} entry ${second}: 2,499 entries to handle`))
    expect(code).toBe(0)
  })

  test('--watch shows one screen, and when it was made', async ({ lab }) => {
    await lab.producer().publish('counted', { n: 1 })
    // It ends when its Redis refuses it.
    const spoil = () => lab.send('SET', lab.streamName, 'text')
    const { output, code } = await onTerminal(lab, ['status', '--watch', '20ms'], '', spoil, 'no group')
    await lab.send('DEL', lab.streamName)
    expect(output).toContain('\u001b[H\u001b[2J')
    expect(output).toMatch(new RegExp(`\\d\\d:\\d\\d:\\d\\dZ  ${lab.streamName}: 1 entry`))
    expect(code).toBe(6)
  })
})

test('npx streamctl works from the root of the repository, without a build', async ({ lab }) => {
  const env = {
    PATH: process.env.PATH,
    HOME: process.env.HOME,
    REDIS_URL: String(lab.as('operator')),
    STREAM: lab.streamName,
  }
  const child = ownChild(
    spawn('npx', ['--no-install', 'streamctl', 'status', '--json'], { cwd: ROOT, env, stdio: 'pipe' }),
  )
  let out = ''
  child.stdout.on('data', (chunk) => {
    out += chunk
  })
  const [code] = await once(child, 'close')
  expect(code).toBe(0)
  expect(JSON.parse(out)).toMatchObject({ command: 'status', ok: true })
})
