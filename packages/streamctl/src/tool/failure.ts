import { SettingsError } from '@redis-streams-processor/service-kit/settings'
import { StreamsError } from '@redis-streams-processor/streams-core'
import { CommanderError } from 'commander'
import type { Exit } from './exit-codes.ts'

/** The end of a command that did not do what was asked. The message is one line for a person. */
export class Failure extends Error {
  override readonly name = 'Failure'
  readonly exit: Exit
  /** Stable, for programs. */
  readonly code: string

  constructor(exit: Exit, code: string, message: string) {
    super(message)
    this.exit = exit
    this.code = code
  }
}

const EXITS: Record<string, Exit> = {
  INVALID_OPTION: 'usage',
  INVALID_EVENT: 'usage',
  NO_SUCH_GROUP: 'notFound',
  REDIS_UNAVAILABLE: 'unavailable',
  PUBLISH_TIMEOUT: 'unavailable',
  REDIS_REFUSED: 'refused',
  GROUP_AT_WORK: 'conflict',
  GROUP_EXISTS: 'conflict',
  STREAM_FULL: 'conflict',
  UNREADABLE_LETTER: 'conflict',
}
/** Replies of a Redis that cannot serve at the moment. */
const CANNOT_SERVE = /^(LOADING|BUSY|OOM|READONLY|MISCONF|MASTERDOWN|CLUSTERDOWN|NOREPLICAS|TRYAGAIN)\b/

/** Whatever was thrown, as a failure. */
export function failureOf(error: unknown): Failure {
  if (error instanceof Failure) return error
  const text = oneLine(error instanceof Error ? error.message : String(error))
  if (error instanceof CommanderError)
    return new Failure('usage', 'USAGE', text.replace(/^error: /, '').replace('; (', ' ('))
  if (error instanceof SettingsError) return new Failure('usage', 'SETTINGS', text)
  if (error instanceof StreamsError) {
    const hint = error.code === 'REDIS_UNAVAILABLE' ? ' (REDIS_URL or --redis says where Redis is)' : ''
    return new Failure(EXITS[error.code] ?? 'failed', error.code, `${text}${hint}`)
  }
  if (CANNOT_SERVE.test(text)) return new Failure('unavailable', 'REDIS_UNAVAILABLE', text)
  return new Failure('failed', 'FAILED', text)
}

const oneLine = (text: string) => text.trim().replace(/\s*\n\s*/g, '; ')
