import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { redisOf, SettingsError } from '@redis-streams-processor/service-kit'
import { makeCertificates } from '@redis-streams-processor/testbed'
import { afterAll, describe, expect, test } from 'vitest'

const folder = mkdtempSync(join(tmpdir(), 'redis-streams-test-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** The path of a file with this text. */
function file(name: string, text: string): string {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

const { ca, server, client } = makeCertificates()
const secret = file('password', 's3cret\n')

test('without files it is the URL', () => {
  expect(redisOf({ REDIS_URL: 'redis://me:secret@host' })).toBe('redis://me:secret@host')
})

describe('REDIS_PASSWORD_FILE', () => {
  test.each([
    ['redis://host:6379/1', { url: 'redis://host:6379/1' }],
    ['redis://m%40e@host', { url: 'redis://host', username: 'm@e' }],
    ['rediss://me:@[::1]', { url: 'rediss://[::1]', username: 'me' }],
    ['unix://me@/run/redis.sock?db=1', { url: 'unix:///run/redis.sock?db=1', username: 'me' }],
  ])('%s: the password of its user', (REDIS_URL, address) => {
    const redis = redisOf({ REDIS_URL, REDIS_PASSWORD_FILE: secret }) as () => unknown
    expect(redis()).toEqual({ ...address, password: 's3cret' })
  })

  test('is read again for each connection', () => {
    const path = file('changing', 'first\r\nsecond line')
    const redis = redisOf({ REDIS_URL: 'redis://host', REDIS_PASSWORD_FILE: path }) as () => unknown
    expect(redis()).toMatchObject({ password: 'first' })
    writeFileSync(path, 'second')
    expect(redis()).toMatchObject({ password: 'second' })
    rmSync(path)
    expect(redis).toThrow('REDIS_PASSWORD_FILE: expected a file that can be read, got ENOENT')
  })
})

test('certificates and the key of TLS', () => {
  const files = { REDIS_CA_FILE: ca, REDIS_CERT_FILE: client.cert, REDIS_KEY_FILE: client.key }
  const redis = redisOf({ REDIS_URL: 'rediss://me:secret@host', ...files }) as () => unknown
  const [caText, cert, key] = [ca, client.cert, client.key].map((path) => readFileSync(path, 'utf8'))
  expect(redis()).toEqual({ url: 'rediss://me:secret@host', socket: { tls: true, ca: caText, cert, key } })
})

describe('what is wrong is told at once, and no secret with it', () => {
  const rediss = { REDIS_URL: 'rediss://host' }
  const keyless = 'REDIS_KEY_FILE: expected the key of REDIS_CERT_FILE'
  test.each<[string, Parameters<typeof redisOf>[0], string]>([
    [
      'a password in the URL, too',
      { REDIS_URL: 'redis://me:s3cret@host', REDIS_PASSWORD_FILE: secret },
      'REDIS_URL: expected no password beside REDIS_PASSWORD_FILE, got one (not shown)',
    ],
    [
      'a user that is not URL-encoded',
      { REDIS_URL: 'redis://50%off@host', REDIS_PASSWORD_FILE: secret },
      'REDIS_URL: expected a user that is URL-encoded',
    ],
    [
      'an empty file',
      { REDIS_URL: 'redis://host', REDIS_PASSWORD_FILE: file('empty', '\n') },
      `REDIS_PASSWORD_FILE: expected a password in the first line of ${folder}/empty, got nothing`,
    ],
    [
      'a folder',
      { REDIS_URL: 'redis://host', REDIS_PASSWORD_FILE: folder },
      'REDIS_PASSWORD_FILE: expected a file that can be read, got EISDIR',
    ],
    [
      'a URL without TLS',
      { REDIS_URL: 'redis://host', REDIS_CA_FILE: ca },
      'REDIS_CA_FILE: expected nothing unless REDIS_URL begins with rediss://, got a file',
    ],
    [
      'no certificate',
      { ...rediss, REDIS_CA_FILE: secret },
      `REDIS_CA_FILE: expected certificates in PEM, got something else in ${secret}`,
    ],
    ['a certificate alone', { ...rediss, REDIS_CERT_FILE: client.cert }, `${keyless}, got nothing`],
    [
      'a key alone',
      { ...rediss, REDIS_KEY_FILE: client.key },
      'REDIS_CERT_FILE: expected the certificate of REDIS_KEY_FILE, got nothing',
    ],
    [
      'the key of another certificate',
      { ...rediss, REDIS_CERT_FILE: client.cert, REDIS_KEY_FILE: server.key },
      `${keyless}, in PEM, got another`,
    ],
    ['no key', { ...rediss, REDIS_CERT_FILE: client.cert, REDIS_KEY_FILE: secret }, `${keyless}, in PEM, got another`],
  ])('%s', (_, settings, message) => {
    const attempt = () => redisOf(settings)
    expect(attempt).toThrow(SettingsError)
    expect(attempt).toThrow(message)
    expect(attempt).not.toThrow('s3cret')
  })
})
