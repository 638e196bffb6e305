import { X509Certificate } from 'node:crypto'
import { createSecureContext } from 'node:tls'
import type { RedisAddress, RedisOptions } from '@redis-streams-processor/streams-core'
import { readSettingFile } from './setting-file.ts'
import type { SharedSettings } from './settings.ts'
import { SettingsError } from './settings-error.ts'

/** The parts of a URL, also of one with a user and without a host, which the standard does not know. */
const URL_PARTS = /^(?<scheme>\w+:\/\/)(?:(?<user>[^:@/?#]*)(?::(?<password>[^@/?#]*))?@)?(?<rest>.*)$/

const tlsFiles = ['REDIS_CA_FILE', 'REDIS_CERT_FILE', 'REDIS_KEY_FILE'] as const
type FileSetting = 'REDIS_PASSWORD_FILE' | (typeof tlsFiles)[number]
type RedisSettings = Pick<SharedSettings, 'REDIS_URL' | FileSetting>

/**
 * Where Redis is, and who connects. Files are read now, so that a wrong one ends the service at its start, and again
 * before each connection, so that a new password or certificate needs no restart.
 * @throws {SettingsError} when a file cannot be read or holds something else, or when settings contradict each other.
 */
export function redisOf(settings: RedisSettings): RedisOptions {
  if (![settings.REDIS_PASSWORD_FILE, ...tlsFiles.map((name) => settings[name])].some(Boolean))
    return settings.REDIS_URL
  checkTogether(settings)
  addressOf(settings)
  return () => addressOf(settings)
}

function checkTogether(settings: RedisSettings): void {
  const { REDIS_URL, REDIS_PASSWORD_FILE, REDIS_CERT_FILE, REDIS_KEY_FILE } = settings
  const problems: string[] = []
  if (REDIS_PASSWORD_FILE && partsOf(REDIS_URL).password) {
    problems.push('REDIS_URL: expected no password beside REDIS_PASSWORD_FILE, got one (not shown)')
  }
  if (!REDIS_URL.startsWith('rediss:')) {
    const given = tlsFiles.filter((name) => settings[name])
    problems.push(
      ...given.map((name) => `${name}: expected nothing unless REDIS_URL begins with rediss://, got a file`),
    )
  }
  if (REDIS_CERT_FILE && !REDIS_KEY_FILE)
    problems.push('REDIS_KEY_FILE: expected the key of REDIS_CERT_FILE, got nothing')
  if (REDIS_KEY_FILE && !REDIS_CERT_FILE) {
    problems.push('REDIS_CERT_FILE: expected the certificate of REDIS_KEY_FILE, got nothing')
  }
  if (problems.length > 0) throw new SettingsError(problems.join('\n'))
}

function addressOf(settings: RedisSettings): RedisAddress {
  const tls = tlsOf(settings)
  const address = { url: settings.REDIS_URL, ...(tls && { socket: { tls: true as const, ...tls } }) }
  const password = passwordIn(settings)
  if (password === undefined) return address
  // For node-redis, a user in the URL is a user without a password, whatever the options say.
  const { scheme, user, rest } = partsOf(settings.REDIS_URL)
  return { ...address, url: `${scheme}${rest}`, ...(user && { username: decode(user) }), password }
}

function partsOf(url: string): { scheme?: string; user?: string; password?: string; rest?: string } {
  return URL_PARTS.exec(url)?.groups ?? {}
}

function decode(user: string): string {
  try {
    return decodeURIComponent(user)
  } catch {
    throw new SettingsError('REDIS_URL: expected a user that is URL-encoded, got something else (not shown)')
  }
}

function passwordIn({ REDIS_PASSWORD_FILE: path }: RedisSettings): string | undefined {
  if (path === undefined) return undefined
  const [password] = readSettingFile('REDIS_PASSWORD_FILE', path).split(/\r?\n/)
  if (password) return password
  throw new SettingsError(`REDIS_PASSWORD_FILE: expected a password in the first line of ${path}, got nothing`)
}

function tlsOf({ REDIS_CA_FILE, REDIS_CERT_FILE, REDIS_KEY_FILE }: RedisSettings) {
  if (!REDIS_CA_FILE && !REDIS_CERT_FILE) return undefined
  const tls = {
    ...(REDIS_CA_FILE && { ca: readCertificates('REDIS_CA_FILE', REDIS_CA_FILE) }),
    ...(REDIS_CERT_FILE && { cert: readCertificates('REDIS_CERT_FILE', REDIS_CERT_FILE) }),
    ...(REDIS_KEY_FILE && { key: readSettingFile('REDIS_KEY_FILE', REDIS_KEY_FILE) }),
  }
  try {
    createSecureContext(tls)
  } catch (error) {
    const { message } = error as Error
    throw new SettingsError(`REDIS_KEY_FILE: expected the key of REDIS_CERT_FILE, in PEM, got another: ${message}`)
  }
  return tls
}

// TLS itself takes a file without certificates, and then trusts nobody.
function readCertificates(setting: FileSetting, path: string): string {
  const text = readSettingFile(setting, path)
  try {
    new X509Certificate(text)
  } catch {
    throw new SettingsError(`${setting}: expected certificates in PEM, got something else in ${path}`)
  }
  return text
}
