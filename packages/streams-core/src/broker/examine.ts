import { messageOf } from '../base/errors.ts'
import { isMissingRight } from '../base/redis-errors.ts'
import { keyRules } from '../define/rights.ts'
import type { Connection } from './connection.ts'
import { infosOf } from './infos.ts'
import type { Keys, KeyType } from './keys.ts'
import { CHECK_RIGHTS } from './scripts/rights.ts'
import { parseInfo, unlessForbidden } from './server.ts'

/** A key that holds a value of another type than the library needs. */
export interface WrongType {
  key: string
  expected: KeyType
  actual: string
}

/** Looks at what must hold for a stream to work, and changes nothing. What the user may not look at is undefined. */
export class ExamineBroker {
  readonly #connection: Connection
  readonly #keys: Keys

  constructor(connection: Connection, keys: Keys) {
    this.#connection = connection
    this.#keys = keys
  }

  /** The fields of INFO. */
  async info(): Promise<ReadonlyMap<string, string> | undefined> {
    const text = await unlessForbidden(this.#connection.send<string>(['INFO']))
    return text === undefined ? undefined : parseInfo(text)
  }

  /** By how much Redis' clock is ahead of that of this process, give or take half a round trip. Milliseconds. */
  async clockAheadMs(): Promise<number | undefined> {
    const sentAt = Date.now()
    const time = await unlessForbidden(this.#connection.send<[seconds: string, micros: string]>(['TIME']))
    if (time === undefined) return undefined
    return Math.round(Number(time[0]) * 1_000 + Number(time[1]) / 1_000 - (sentAt + Date.now()) / 2)
  }

  /**
   * The rules of Redis' ACL that the user lacks. A server that does not know a command lacks it, too.
   * @param rules As in `rights`.
   */
  async missingRights(rules: readonly string[]): Promise<string[]> {
    // One that every program writes to.
    const keys = { stream: this.#keys.stream, derived: this.#keys.history('any') }
    try {
      const replies = await this.#connection.run(CHECK_RIGHTS, {}, keys, { args: rules.map(commandOf) })
      return judge(rules, replies as number[][], keyRules(this.#keys.stream))
    } catch (error) {
      if (isMissingRight(error)) return ['+eval', '+evalsha']
      throw error
    }
  }

  async wrongTypes(keys: readonly [key: string, type: KeyType][]): Promise<WrongType[] | undefined> {
    const types = await Promise.all(keys.map(([key]) => unlessForbidden(this.#connection.send<string>(['TYPE', key]))))
    if (types.every((type) => type === undefined)) return undefined
    return keys.flatMap(([key, expected], i) => {
      const actual = types[i]
      return actual === undefined || actual === 'none' || actual === expected ? [] : [{ key, expected, actual }]
    })
  }

  /** None where the user may not ask, or where there is no stream. */
  async groups(): Promise<string[]> {
    try {
      return (await infosOf(this.#connection, ['XINFO', 'GROUPS', this.#keys.stream])).map(({ name }) => String(name))
    } catch (error) {
      if (/no such key|WRONGTYPE/.test(messageOf(error)) || isMissingRight(error)) return []
      throw error
    }
  }
}

/** What stands for a rule such as `+xinfo|groups` in the script. These say themselves where their keys are. */
function commandOf(rule: string): string {
  const name = rule.slice(1).replace('|', ' ')
  if (/^eval(sha)?$/.test(name)) return `${name} x 1 KEY`
  if (name === 'xreadgroup') return 'xreadgroup GROUP any any STREAMS KEY >'
  return name === 'xread' ? 'xread STREAMS KEY 0' : name
}

const KEYLESS = ['+info', '+time']

/** Where every command on a key is denied, it is the key that the user lacks, and of the commands nothing is known. */
function judge(rules: readonly string[], replies: readonly number[][], ofKeys: readonly string[]): string[] {
  const ofCommands = rules.map((rule, i) => ({ rule, replies: replies[i] ?? [] }))
  const onKeys = ofCommands.filter(({ rule }) => !KEYLESS.includes(rule))
  const closed = ofKeys.map((_, k) => onKeys.every(({ replies }) => replies[k] !== 1))
  if (closed.every(Boolean)) return [...ofKeys]
  const denied = ofCommands.filter(({ replies }) => replies.some((reply, k) => reply !== 1 && !closed[k]))
  return [...ofKeys.filter((_, k) => closed[k]), ...denied.map(({ rule }) => rule)]
}
