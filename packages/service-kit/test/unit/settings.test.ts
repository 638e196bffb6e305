import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readSettings, SettingsError } from '@redis-streams-processor/service-kit'
import { describe, expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'

const schema = z.object({ GROUP: z.string().default('the default'), LOG_LEVEL: z.string().default('info') })

/** The path of a `.env` in a folder of its own, made by `make`. */
function envFile(make: (path: string) => void): string {
  const folder = mkdtempSync(join(tmpdir(), 'redis-streams-test-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const path = join(folder, '.env')
  make(path)
  return path
}
const textFile = (text: string | Buffer) => envFile((path) => writeFileSync(path, text))

/** The settings, and what was told about them, with `.env` for the path of the file. */
function read(file: string, env: Record<string, string> = {}, ofService: typeof schema = schema) {
  const told: string[] = []
  const settings = readSettings(ofService, { env, file, tell: (line) => told.push(line.replace(file, '.env')) })
  return { settings, told }
}

describe('where settings come from', () => {
  test('the environment wins over the file, which is named', () => {
    const { settings, told } = read(textFile('GROUP=file\nLOG_LEVEL=warn\n'), { GROUP: 'environment' })
    expect(settings).toEqual({ GROUP: 'environment', LOG_LEVEL: 'warn' })
    expect(told).toEqual(['settings are read from .env'])
  })

  test('an empty variable of the environment does not hide the value of the file', () => {
    expect(read(textFile('GROUP=file\n'), { GROUP: '' }).settings.GROUP).toBe('file')
  })

  test('without a file nothing is told', () => {
    const { settings, told } = read(envFile(() => {}))
    expect(settings.GROUP).toBe('the default')
    expect(told).toEqual([])
  })

  test('a mark of the byte order before UTF-8 is no part of the first name', () => {
    expect(read(textFile('\uFEFFGROUP=file\r\nLOG_LEVEL=warn\r\n')).settings).toEqual({
      GROUP: 'file',
      LOG_LEVEL: 'warn',
    })
  })

  test('a handler finds in the environment what the file has', () => {
    const env = {}
    read(textFile('DATABASE_URL=postgres://db\n'), env)
    expect(env).toEqual({ DATABASE_URL: 'postgres://db' })
  })
})

describe('a file that is there and cannot be read stops the service', () => {
  const utf16 = Buffer.from('GROUP=file\n', 'utf16le')
  const notRead = 'expected a file that can be read, got'
  const notText = 'expected text in UTF-8, got another encoding, e.g. UTF-16'
  test.each<[string, (path: string) => void, string]>([
    ['UTF-16', (path) => writeFileSync(path, Buffer.concat([Buffer.from([0xff, 0xfe]), utf16])), notText],
    ['UTF-16 without a mark', (path) => writeFileSync(path, utf16), notText],
    ['Latin-1', (path) => writeFileSync(path, Buffer.from('GROUP=grün\n', 'latin1')), notText],
    ['a folder', (path) => mkdirSync(path), `${notRead} a folder`],
    ['a link that leads nowhere', (path) => symlinkSync('nowhere', path), `${notRead} a link that leads nowhere`],
    ['a link to itself', (path) => symlinkSync('.env', path), `${notRead} ELOOP: too many symbolic links encountered`],
  ])('%s', (_, make, message) => {
    const path = envFile(make)
    const attempt = () => read(path)
    expect(attempt).toThrow(SettingsError)
    expect(attempt).toThrow(`${path}: ${message}`)
  })

  test.skipIf(process.getuid?.() === 0)('a file without permission', () => {
    const path = textFile('GROUP=file\n')
    chmodSync(path, 0)
    expect(() => read(path)).toThrow(`${notRead} EACCES: permission denied`)
  })
})

describe('what is not understood is told', () => {
  test('names in the file that are no settings, and what was probably meant', () => {
    const names = ['GRUOP', 'GROUPS', 'group', 'LOGLEVEL', 'LEASE_MSEC', 'REDIS_URI', 'COLOUR', 'BURST', 'SECRETS_DIR']
    const { told } = read(textFile(names.map((name) => `${name}=1\n`).join('')))
    expect(told.slice(1)).toEqual([
      '.env: GRUOP is not a setting; did you mean GROUP?',
      '.env: GROUPS is not a setting; did you mean GROUP?',
      '.env: group is not a setting; did you mean GROUP?',
      '.env: LOGLEVEL is not a setting; did you mean LOG_LEVEL?',
      '.env: LEASE_MSEC is not a setting; did you mean LEASE_MS?',
      '.env: REDIS_URI is not a setting; did you mean REDIS_URL?',
      '.env: COLOUR is not a setting',
    ])
  })

  test('names in the environment only when they look like a setting', () => {
    const foreign = { PATH: '/bin', USER: 'me', HOME: '/', HOSTNAME: 'h', LOGNAME: 'me', SHELL: 'sh', TERM: 'xterm' }
    const { told } = read(
      envFile(() => {}),
      { ...foreign, CONCURENCY: '8', GRUOP: '' },
    )
    expect(told).toEqual(['environment: CONCURENCY is not a setting; did you mean CONCURRENCY?'])
  })

  test('secrets of webhooks that no source has, by the service that takes webhooks', () => {
    const names = ['WEBHOOK_GITHUB_SECRET', 'WEBHOOK_GITUB_SECRET', 'WEBHOOK_GITHUB_SECERT', 'WEBHOOK_ACME_SECRET']
    const text = names.map((name) => `${name}=s3cret\n`).join('')
    const taking = schema.extend({ WEBHOOK_GITHUB_SECRET: z.string() })
    expect(read(textFile(text), {}, taking).told.slice(1)).toEqual([
      '.env: WEBHOOK_GITUB_SECRET is not a setting; did you mean WEBHOOK_GITHUB_SECRET?',
      '.env: WEBHOOK_GITHUB_SECERT is not a setting; did you mean WEBHOOK_GITHUB_SECRET?',
      '.env: WEBHOOK_ACME_SECRET is not a setting',
    ])
    // To a consumer, which does not know the sources, what looks like a secret is one.
    expect(read(textFile(text)).told.slice(1)).toEqual(['.env: WEBHOOK_GITHUB_SECERT is not a setting'])
  })

  test('lines that are no variable, without what they hold', () => {
    const lines = ['# a comment, it’s fine', '', 'GROUP="two', 'lines"', 'LOG_LEVEL warn', 'export BURST=1', 's3cret']
    const { told } = read(textFile(lines.join('\n')))
    expect(told.slice(1)).toEqual([
      '.env: line 5 is not understood; expected NAME=value',
      '.env: line 7 is not understood; expected NAME=value',
    ])
  })
})
