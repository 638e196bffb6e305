import type { Retention } from '@redis-streams-processor/streams-core'
import { type Limits, retentionLimits } from '@redis-streams-processor/streams-core/settings'
import { config } from 'dotenv'
import { z } from 'zod'

/** The environment is wrong: one line a variable, with what was given and what is allowed. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError'
}

interface Range {
  readonly min: number
  readonly max: number
}

/** A whole number from a variable's text; the variable may be empty. */
export const optionalWhole = ({ min, max }: Range) =>
  z
    .string()
    .regex(/^\d+$/, `a whole number from ${min} to ${max}`)
    .transform(Number)
    .refine((value) => value >= min && value <= max, `a whole number from ${min} to ${max}`)
    .optional()

/** A whole number from a variable's text; the default where the variable is empty. */
export const whole = (limits: Limits) => optionalWhole(limits).transform((value) => value ?? limits.default)

export const redisUrl = z
  .string()
  .refine((url) => /^rediss?:\/\/./.test(url) && URL.canParse(url), 'a URL such as redis://user:password@host:6379/0')
  .default('redis://127.0.0.1:6379')

export const logLevel = z
  .enum(['trace', 'debug', 'info', 'warn', 'error', 'silent'], {
    error: 'one of trace, debug, info, warn, error, silent',
  })
  .default('info')

/**
 * Reads settings from the environment, after `.env`; variables that are set win over the file, empty ones count as
 * not set.
 * @throws {SettingsError} naming every variable that is wrong.
 */
export function readSettings<S extends z.ZodType>(schema: S, env: NodeJS.ProcessEnv = process.env): z.output<S> {
  if (env === process.env) config({ quiet: true })
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ''))
  const parsed = schema.safeParse(given)
  if (parsed.success) return parsed.data
  const lines = parsed.error.issues.map((issue) => {
    const name = String(issue.path[0] ?? 'environment')
    return `${name}: expected ${issue.message}, got ${showGiven(name, given[name])}`
  })
  throw new SettingsError(lines.join('\n'))
}

// A URL may hold a password, and so may anything that was meant to be one.
function showGiven(name: string, value: string | undefined): string {
  if (value === undefined) return 'nothing'
  return name.endsWith('_URL') ? 'something else (not shown: it may hold a password)' : JSON.stringify(value)
}

const policies = ['acknowledged', 'maxlen'] as const

/** Settings that producer and consumer must agree on: which stream, and what it keeps. */
export const streamSettings = {
  STREAM: z.string().default('user_events'),
  RETENTION: z.enum(policies, { error: `one of ${policies.join(', ')}` }).default('acknowledged'),
  MAX_LENGTH: optionalWhole(retentionLimits.maxLength),
  RETENTION_GROUPS: z
    .string()
    .regex(/^[\w.-]+(,[\w.-]+)*$/, 'group names with commas between them, e.g. billing_group,analytics_group')
    .transform((names) => names.split(','))
    .optional(),
}

type StreamSettings = z.output<z.ZodObject<typeof streamSettings>>

/** What `defineStream` takes as retention. */
export function retentionOf({ RETENTION: policy, MAX_LENGTH, RETENTION_GROUPS }: StreamSettings): Retention {
  const maxLength = MAX_LENGTH === undefined ? {} : { maxLength: MAX_LENGTH }
  return policy === 'maxlen' ? { policy, ...maxLength } : { policy, ...maxLength, groups: RETENTION_GROUPS ?? [] }
}
