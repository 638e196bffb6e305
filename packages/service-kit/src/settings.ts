import { resolve } from 'node:path'
import type { Retention } from '@redis-streams-processor/streams-core'
import { isRedisUrl, type Limits, retentionLimits } from '@redis-streams-processor/streams-core/settings'
import { z } from 'zod'
import { type EnvFile, readEnvFile } from './env-file.ts'
import { isSetting, settingNear } from './setting-names.ts'
import { SettingsError } from './settings-error.ts'

type Range = Pick<Limits, 'min' | 'max'>

function numberWithin({ min, max }: Range) {
  const expected = `a whole number from ${min} to ${max}`
  const isWithin = (value: number) => value >= min && value <= max
  return z.string().regex(/^\d+$/, expected).transform(Number).refine(isWithin, expected)
}

/** A whole number from a variable's text; the default where the variable is not set. */
export const whole = (limits: Limits) => numberWithin(limits).default(limits.default)

/** A whole number from a variable's text; `undefined` where the variable is not set. */
export const optionalWhole = (range: Range) => numberWithin(range).optional()

export interface SettingsSources {
  /** What the file adds is written into it. Default: the environment of the process. */
  env?: NodeJS.ProcessEnv
  /** Default: `.env` in the current folder. */
  file?: string
  /** Is told which file was read, and which names were not understood. Default: standard error. */
  tell?: (line: string) => void
}

/**
 * Reads settings from `.env` and from the environment, which wins over the file. An empty variable counts as not set.
 * @throws {SettingsError} naming every variable that is wrong, or a file that is there and cannot be read.
 */
export function readSettings<S extends z.ZodType>(schema: S, sources: SettingsSources = {}): z.output<S> {
  const { env = process.env, file = resolve('.env'), tell = console.error } = sources
  const read = readEnvFile(file)
  const own = schema instanceof z.ZodObject ? Object.keys(schema.shape) : []
  for (const remark of [...remarksOnEnvironment(env, own), ...(read ? remarksOnFile(file, read, own) : [])])
    tell(remark)
  // Into the environment, so that the handlers find there what they have in the file.
  for (const [name, value] of Object.entries(read?.values ?? {})) if (!env[name]) env[name] = value
  return parseSettings(schema, env)
}

// An environment is full of names that are no settings: only those that look like one are told.
function remarksOnEnvironment(env: NodeJS.ProcessEnv, own: readonly string[]): string[] {
  return Object.entries(env).flatMap(([name, value]) => {
    const meant = settingNear(name, own)
    return value && meant ? [`environment: ${name} is not a setting; did you mean ${meant}?`] : []
  })
}

function remarksOnFile(file: string, { values, strangeLines }: EnvFile, own: readonly string[]): string[] {
  const strangeNames = Object.keys(values).filter((name) => !isSetting(name, own))
  return [
    `settings are read from ${file}`,
    ...strangeLines.map((line) => `${file}: line ${line} is not understood; expected NAME=value`),
    ...strangeNames.map((name) => {
      const meant = settingNear(name, own)
      return `${file}: ${name} is not a setting${meant ? `; did you mean ${meant}?` : ''}`
    }),
  ]
}

/**
 * Settings from variables. An empty one counts as not set. A schema that has looked into a file says what it found there
 * as `params.given` of its issue.
 * @throws {SettingsError} naming every variable that is wrong.
 */
export function parseSettings<S extends z.ZodType>(schema: S, variables: NodeJS.ProcessEnv): z.output<S> {
  const given = Object.fromEntries(Object.entries(variables).filter(([, value]) => value))
  const parsed = schema.safeParse(given)
  if (parsed.success) return parsed.data
  const lines = parsed.error.issues.map((issue) => {
    const name = String(issue.path[0] ?? 'environment')
    const told = issue.code === 'custom' ? issue.params?.given : undefined
    return `${name}: expected ${issue.message}, got ${told ?? showGiven(name, given[name])}`
  })
  throw new SettingsError(lines.join('\n'))
}

// A URL may hold a password, and so may a text that was meant to be a URL.
function showGiven(name: string, value: string | undefined): string {
  if (value === undefined) return 'nothing'
  if (name.endsWith('_SECRET')) return 'something else (not shown)'
  return name.endsWith('_URL') ? 'something else (not shown: it may hold a password)' : JSON.stringify(value)
}

const levels = ['trace', 'debug', 'info', 'warn', 'error', 'silent'] as const
const policies = ['acknowledged', 'maxlen'] as const

/** The settings that both services have. They must agree on which stream they use, and on what it keeps. */
export const sharedSettings = {
  REDIS_URL: z
    .string()
    .refine(isRedisUrl, 'a URL such as redis://user:password@host:6379/0 or unix:///run/redis.sock')
    .default('redis://127.0.0.1:6379'),
  REDIS_PASSWORD_FILE: z.string().optional(),
  REDIS_CA_FILE: z.string().optional(),
  REDIS_CERT_FILE: z.string().optional(),
  REDIS_KEY_FILE: z.string().optional(),
  LOG_LEVEL: z.enum(levels, { error: `one of ${levels.join(', ')}` }).default('info'),
  STREAM: z.string().default('user_events'),
  RETENTION: z.enum(policies, { error: `one of ${policies.join(', ')}` }).default('acknowledged'),
  MAX_LENGTH: optionalWhole(retentionLimits.maxLength),
  KEEP_FOR_MS: whole(retentionLimits.keepForMs),
  RETENTION_GROUPS: z
    .string()
    .regex(/^[\w.-]+(,[\w.-]+)*$/, 'group names with commas between them, e.g. billing_group,analytics_group')
    .transform((names) => names.split(','))
    .optional(),
  LEDGER_DIR: z.string().optional(),
  OPS_PORT: whole({ min: 0, max: 65_535, default: 9_464 }),
  OPS_HOST: z.string().default('127.0.0.1'),
}

export type SharedSettings = z.output<z.ZodObject<typeof sharedSettings>>

/**
 * What `defineStream` takes as retention.
 * @throws {SettingsError} when something is set that the policy `maxlen` does not know.
 */
export function retentionOf(
  settings: Pick<SharedSettings, 'RETENTION' | 'MAX_LENGTH' | 'KEEP_FOR_MS' | 'RETENTION_GROUPS'>,
): Retention {
  const { RETENTION, MAX_LENGTH, KEEP_FOR_MS, RETENTION_GROUPS = [] } = settings
  const maxLength = MAX_LENGTH === undefined ? {} : { maxLength: MAX_LENGTH }
  if (RETENTION === 'acknowledged') {
    return { policy: RETENTION, ...maxLength, keepForMs: KEEP_FOR_MS, groups: RETENTION_GROUPS }
  }
  const refused = (name: string, given: unknown) =>
    new SettingsError(`${name}: expected nothing with RETENTION=maxlen, got "${given}"`)
  if (RETENTION_GROUPS.length > 0) throw refused('RETENTION_GROUPS', RETENTION_GROUPS)
  if (KEEP_FOR_MS > 0) throw refused('KEEP_FOR_MS', KEEP_FOR_MS)
  return { policy: RETENTION, ...maxLength }
}
