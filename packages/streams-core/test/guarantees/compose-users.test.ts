import { spawnSync } from 'node:child_process'
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { RedisServer, sendOnce } from '@redis-streams-processor/testbed'
import { describe, expect, onTestFinished } from 'vitest'
import { openDeadLetters, reject } from '../../src/index.ts'
import { GROUP, Lab, test } from '../support/lab.ts'

// The users that Compose gives to Redis, made by the script that makes them there.

const at = (path: string) => fileURLToPath(new URL(`../../../../${path}`, import.meta.url))
const PASSWORDS = ['redis_producer_password', 'redis_consumer_password', 'redis_operator_password']

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'redis-streams-test-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Passwords of a test's own; a carriage return does not count. */
function secretsFolder(): string {
  const folder = temporaryFolder()
  for (const name of PASSWORDS) writeFileSync(join(folder, name), `it's ${name}\r\n`)
  return folder
}
const passwordOf = (user: string) => encodeURIComponent(`it's redis_${user}_password`)

/** Runs start.sh with a command that does nothing. */
function runStart(env: Record<string, string>) {
  const aclFile = join(temporaryFolder(), 'users.acl')
  const { status, stderr } = spawnSync('sh', [at('deploy/redis/start.sh'), 'true'], {
    env: { PATH: process.env.PATH, ACL_FILE: aclFile, ...env },
    encoding: 'utf8',
  })
  return { status, stderr, aclFile }
}

async function startRedis(shared: Lab) {
  const lab = { streamName: `${shared.streamName}-x` }
  const { aclFile, ...ended } = runStart({ SECRETS: secretsFolder(), STREAM: lab.streamName })
  expect(ended).toEqual({ status: 0, stderr: '' })
  const [knowsWaitAof] = await shared.send<unknown[]>('COMMAND', 'INFO', 'WAITAOF')
  // That of Compose does.
  if (!knowsWaitAof) writeFileSync(aclFile, readFileSync(aclFile, 'utf8').replace(' +waitaof', ''))
  appendFileSync(aclFile, 'user test on nopass ~* &* +@all\n')
  const redis = await RedisServer.start(['--aclfile', aclFile])
  shared.onClose(() => redis.stop())
  const urlOf = (user: string, password = passwordOf(user)) => `redis://${user}:${password}@127.0.0.1:${redis.port}`
  const own = new Lab(urlOf('test', 'any'), lab.streamName)
  shared.onClose(() => own.close())
  return { lab: own, url: redis.url, urlOf }
}

describe.skipIf(process.platform === 'win32')('the users of Compose', () => {
  test('producer, consumer and operator do their work', async ({ lab: shared }) => {
    const { lab, urlOf } = await startRedis(shared)
    const consumer = await lab.consumer({ redis: urlOf('consumer'), handlers: { noted: () => reject('never') } })
    const producer = lab.producer({ redis: urlOf('producer') })
    await producer.publish('counted', { n: 1 })
    await producer.publish('noted', { text: 'x' })
    await consumer.reports.until('both events are settled', (reports) => reports.settled().length === 2)
    const letters = openDeadLetters({ name: lab.streamName }, { redis: urlOf('operator'), group: GROUP })
    lab.onClose(() => letters.close())
    expect(await letters.redrive()).toMatchObject({ redriven: 1 })
    await consumer.reports.until('the redriven event is settled', (reports) => reports.settled().length === 3)
  })

  test.for(['producer', 'consumer', 'operator'])(
    '%s may do nothing else, and reach no foreign key',
    async (user, { lab: shared }) => {
      const { lab, urlOf } = await startRedis(shared)
      await lab.send('SET', 'foreign', 'untouched')
      const foreignStream = `${lab.streamName}2`
      for (const command of [
        ...['FLUSHALL', 'FLUSHDB', 'CONFIG GET *', 'CONFIG SET maxmemory 1', 'KEYS *', 'SCAN 0', 'ACL LIST'],
        ...['SHUTDOWN', 'SAVE', 'MONITOR', 'CLIENT LIST', 'SCRIPT FLUSH', 'SELECT 1', 'REPLICAOF NO ONE'],
        ...['GET foreign', 'SET foreign x', 'DEL foreign', `XADD ${foreignStream} * a b`, 'PUBLISH channel x'],
        ...[`XLEN ${foreignStream}`, `XLEN {${foreignStream}}:${GROUP}:dead`, `RENAME ${lab.streamName} foreign`],
      ]) {
        const refused = sendOnce(urlOf(user), command.split(' '))
        await expect(refused, command).rejects.toThrow('NOPERM')
      }
      const script = "return redis.call('SET', KEYS[1], 'x')"
      await expect(sendOnce(urlOf(user), ['EVAL', script, '1', 'foreign'])).rejects.toThrow('NOPERM')
      const hidden = "return redis.call('XLEN', 'foreign')"
      await expect(sendOnce(urlOf(user), ['EVAL', hidden, '0'])).rejects.toThrow(/ACL failure|The user executing/)
      expect(await lab.send('GET', 'foreign')).toBe('untouched')
    },
  )

  test.for<[user: string, ends: string[]]>([
    [
      'producer',
      [`${GROUP}:dead`, `${GROUP}:guard:x`, `${GROUP}:controls`, `${GROUP}:last-start`, 'lock:janitor', 'marks'],
    ],
    ['consumer', ['dedupe', 'dedupe-0', 'dedupe-1', 'dropped']],
  ])('%s writes to no key of the stream that it has not to write to', async ([user, ends], { lab: shared }) => {
    const { lab, urlOf } = await startRedis(shared)
    for (const key of ends.map((end) => `{${lab.streamName}}:${end}`)) {
      const commands = [
        ...[`UNLINK ${key}`, `DEL ${key}`, `SET ${key} x`, `HSET ${key} a b`, `HDEL ${key} a`, `PEXPIRE ${key} 1`],
        ...[`XADD ${key} * a b`, `XTRIM ${key} MAXLEN 0`, `ZREM ${key} a`, `HINCRBY ${key} a 1`],
      ]
      for (const command of commands) {
        const refused = sendOnce(urlOf(user), command.split(' '))
        await expect(refused, command).rejects.toThrow('NOPERM')
        const script = `return redis.call('${command.split(' ').join("', '")}')`
        const hidden = sendOnce(urlOf(user), ['EVAL', script, '1', key])
        await expect(hidden, command).rejects.toThrow(/ACL failure|The user executing|NOPERM/)
      }
    }
  })

  test('nobody comes in without a password, or with a wrong one; the health check may only PING', async ({
    lab: shared,
  }) => {
    const { lab, url, urlOf } = await startRedis(shared)
    await expect(sendOnce(url, ['PING'])).rejects.toThrow('NOAUTH')
    await expect(sendOnce(urlOf('default', 'any'), ['PING'])).rejects.toThrow('WRONGPASS')
    await expect(sendOnce(urlOf('producer', passwordOf('consumer')), ['PING'])).rejects.toThrow('WRONGPASS')
    expect(await sendOnce(urlOf('health', 'any'), ['PING'])).toBe('PONG')
    await expect(sendOnce(urlOf('health', 'any'), ['XLEN', lab.streamName])).rejects.toThrow('NOPERM')
    await expect(sendOnce(urlOf('health', 'any'), ['INFO'])).rejects.toThrow('NOPERM')
  })

  test('the operator may do by hand what docs/operations.md says', async ({ lab: shared }) => {
    const { lab } = await startRedis(shared)
    const page = readFileSync(at('docs/operations.md'), 'utf8')
    const commands = [...page.matchAll(/redis-cli ([A-Z][^`#\n]*)/g)].map(([, command = '']) => command.trim())
    const byOperator = commands.filter((command) => !command.startsWith('CONFIG'))
    expect(byOperator.length).toBeGreaterThan(8)
    for (const command of byOperator) {
      const words = command.replaceAll("'", '').replaceAll('user_events', lab.streamName).split(' ')
      expect(await lab.send('ACL', 'DRYRUN', 'operator', ...words), command).toBe('OK')
    }
  })
})

describe.skipIf(process.platform === 'win32')('start.sh', () => {
  test('starts nothing with a name of a stream that would be a pattern', () => {
    const { status, stderr } = runStart({ SECRETS: secretsFolder(), STREAM: 'user*' })
    expect(status).toBe(1)
    expect(stderr).toContain('STREAM: expected letters, digits, and any of _ . : -, got "user*"')
  })

  test('starts nothing without a password', () => {
    const secrets = secretsFolder()
    writeFileSync(join(secrets, 'redis_operator_password'), '\n')
    const { status, stderr } = runStart({ SECRETS: secrets })
    expect(status).toBe(1)
    expect(stderr).toBe('start.sh: redis_operator_password: expected a password in the first line, got nothing\n')
  })

  test('warns of the passwords of the repository, and writes no password', () => {
    const { status, stderr, aclFile } = runStart({ SECRETS: at('deploy/development-passwords') })
    expect(status).toBe(0)
    expect(stderr).toContain('for development only')
    expect(readFileSync(aclFile, 'utf8')).not.toContain('development')
  })
})
