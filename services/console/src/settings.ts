import { complain, type Problems, sharedSettings, textIn, whole } from '@redis-streams-processor/service-kit'
import { z } from 'zod'

const switches = ['on', 'off'] as const
/** A token that is shorter can be guessed. */
const MIN_TOKEN = 16
const TOKEN = new RegExp(`^[\\x21-\\x7e]{${MIN_TOKEN},}$`)

const { REDIS_URL, REDIS_PASSWORD_FILE, REDIS_CA_FILE, REDIS_CERT_FILE, REDIS_KEY_FILE } = sharedSettings
const { LOG_LEVEL, STREAM, OPS_PORT, OPS_HOST } = sharedSettings

export const settingsSchema = z.object({
  ...{ REDIS_URL, REDIS_PASSWORD_FILE, REDIS_CA_FILE, REDIS_CERT_FILE, REDIS_KEY_FILE },
  ...{ LOG_LEVEL, STREAM, OPS_PORT, OPS_HOST },
  CONSOLE_PORT: whole({ min: 0, max: 65_535, default: 8_080 }),
  CONSOLE_HOST: z.string().default('127.0.0.1'),
  CONSOLE_TOKEN: z.string().transform(checked).optional(),
  CONSOLE_TOKEN_FILE: z.string().transform(tokenIn).optional(),
  CONSOLE_READ_ONLY: z.enum(switches, { error: `one of ${switches.join(', ')}` }).default('off'),
})

export type ConsoleSettings = z.output<typeof settingsSchema>

/** The token that opens the page to other machines. Undefined: the page is for this machine only. */
export const tokenOf = ({ CONSOLE_TOKEN, CONSOLE_TOKEN_FILE }: ConsoleSettings): string | undefined =>
  CONSOLE_TOKEN_FILE ?? CONSOLE_TOKEN

function tokenIn(path: string, problems: Problems): string {
  const text = textIn(path, problems)
  return text === undefined ? '' : checked(text.trim(), problems)
}

function checked(token: string, problems: Problems): string {
  if (!TOKEN.test(token)) {
    complain(problems, `at least ${MIN_TOKEN} letters, digits and signs without a space`, 'something else (not shown)')
  }
  return token
}
