import type { Source } from '@redis-streams-processor/events'
import { readSettingFile, SettingsError } from '@redis-streams-processor/service-kit'

/** `WEBHOOK_GITHUB_SECRET`; with `_FILE` behind it, the setting that names a file of secrets. */
export const secretSetting = (name: string) => `WEBHOOK_${name.toUpperCase().replaceAll('-', '_')}_SECRET`

/**
 * The keys of a source, from its two settings. White space separates several secrets: any of them may sign, so that a
 * secret can be changed without a gap. No keys: the source is not to be served.
 * @throws {SettingsError} when a file cannot be read, or a text is no secret of this scheme. No secret is quoted.
 */
export function keysOf(name: string, { scheme }: Source, settings: Readonly<Record<string, unknown>>): Buffer[] {
  const setting = secretSetting(name)
  const { [setting]: inEnvironment, [`${setting}_FILE`]: path } = settings
  return [
    ...keysIn(setting, inEnvironment, scheme),
    ...(typeof path === 'string' ? keysIn(`${setting}_FILE`, readSecrets(`${setting}_FILE`, path), scheme) : []),
  ]
}

function keysIn(setting: string, secrets: unknown, scheme: Source['scheme']): Buffer[] {
  if (typeof secrets !== 'string') return []
  const words = secrets.split(/\s+/).filter(Boolean)
  return words.map((secret) => {
    try {
      return scheme.keyOf(secret)
    } catch (error) {
      throw new SettingsError(`${setting}: expected ${(error as Error).message}, got something else (not shown)`)
    }
  })
}

function readSecrets(setting: string, path: string): string {
  const secrets = readSettingFile(setting, path)
  if (secrets.trim()) return secrets
  throw new SettingsError(`${setting}: expected a file with secrets, got an empty one: ${path}`)
}
