import { type Source, sources } from '@redis-streams-processor/events'
import { complain, type Problems, textIn } from '@redis-streams-processor/service-kit'
import { z } from 'zod'

type Scheme = Source['scheme']

/** `WEBHOOK_GITHUB_SECRET`; with `_FILE` behind it, the setting that names a file of secrets. */
export const secretSetting = (name: string) => `WEBHOOK_${name.toUpperCase().replaceAll('-', '_')}_SECRET`

/**
 * The two settings of every source, which become the keys of its secrets. White space separates several secrets: any of
 * them may sign, so that a secret can be changed without a gap. What is wrong is named, and no secret is quoted.
 */
export const secretSettings = Object.fromEntries(
  Object.entries(sources).flatMap(([name, { scheme }]) => [
    [secretSetting(name), keys((secrets, problems) => keysIn(secrets, scheme, problems))],
    [`${secretSetting(name)}_FILE`, keys((path, problems) => keysIn(secretsIn(path, problems), scheme, problems))],
  ]),
)

/** The keys of a source, of both its settings. No keys: the source is not to be served. */
export function keysOf(name: string, settings: { readonly [setting: string]: unknown }): Buffer[] {
  const setting = secretSetting(name)
  return [settings[setting], settings[`${setting}_FILE`]].flatMap((keys) => (keys ?? []) as Buffer[])
}

function keys(keysOf: (text: string, problems: Problems) => Buffer[]) {
  return z.string().transform(keysOf).optional()
}

function keysIn(secrets: string, scheme: Scheme, problems: Problems): Buffer[] {
  const words = secrets.split(/\s+/).filter(Boolean)
  try {
    return words.map((secret) => scheme.keyOf(secret))
  } catch (error) {
    complain(problems, (error as Error).message, 'something else (not shown)')
    return []
  }
}

function secretsIn(path: string, problems: Problems): string {
  const secrets = textIn(path, problems)
  if (secrets?.trim() === '') complain(problems, 'a file with secrets', 'an empty one')
  return secrets ?? ''
}
