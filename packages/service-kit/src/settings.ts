import type { Retention } from '@redis-streams-processor/streams-core'
import { isRedisUrl, type Limits, retentionLimits } from '@redis-streams-processor/streams-core/settings'
import { config } from 'dotenv'
import { z } from 'zod'

/** Settings are wrong. The message has one line per wrong variable: what is allowed, and what was given. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError'
}

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

/**
 * Reads settings from `.env` and from the environment, which wins over the file. An empty variable counts as not set.
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

// A URL may hold a password, and so may a text that was meant to be a URL.
function showGiven(name: string, value: string | undefined): string {
  if (value === undefined) return 'nothing'
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
  LOG_LEVEL: z.enum(levels, { error: `one of ${levels.join(', ')}` }).default('info'),
  STREAM: z.string().default('user_events'),
  RETENTION: z.enum(policies, { error: `one of ${policies.join(', ')}` }).default('acknowledged'),
  MAX_LENGTH: optionalWhole(retentionLimits.maxLength),
  RETENTION_GROUPS: z
    .string()
    .regex(/^[\w.-]+(,[\w.-]+)*$/, 'group names with commas between them, e.g. billing_group,analytics_group')
    .transform((names) => names.split(','))
    .optional(),
  LEDGER_DIR: z.string().optional(),
}

type SharedSettings = z.output<z.ZodObject<typeof sharedSettings>>

/**
 * What `defineStream` takes as retention.
 * @throws {SettingsError} when groups are named that the policy `maxlen` would not wait for.
 */
export function retentionOf({ RETENTION: policy, MAX_LENGTH, RETENTION_GROUPS }: SharedSettings): Retention {
  if (policy === 'maxlen' && RETENTION_GROUPS) {
    throw new SettingsError(
      `RETENTION_GROUPS: expected nothing with RETENTION=maxlen, got "${RETENTION_GROUPS.join()}"`,
    )
  }
  const maxLength = MAX_LENGTH === undefined ? {} : { maxLength: MAX_LENGTH }
  return policy === 'maxlen' ? { policy, ...maxLength } : { policy, ...maxLength, groups: RETENTION_GROUPS ?? [] }
}
