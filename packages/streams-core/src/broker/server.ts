import { RedisRefusedError } from '../base/errors.ts'
import { isMissingRight } from '../base/redis-errors.ts'
import type { Client } from './client.ts'
import { type ServerWarning, warningsIn } from './server-settings.ts'

const OLDEST_REDIS = 7

/** What the server said of itself when the connection was made. What it did not say is undefined. */
export interface ServerInfo {
  /** `redis` or `valkey`. */
  readonly name: string | undefined
  readonly version: string | undefined
  readonly uptimeMs: number | undefined
  /** The server's number of this connection. */
  readonly clientId: number | undefined
  /** Settings that weaken a promise. */
  readonly warnings: readonly ServerWarning[]
}

/**
 * Asks the server what it is, and gives this connection its name. HELLO, which needs no right, says most of it; a proxy
 * may not know it. INFO needs a right, and a user may lack it.
 */
export async function askServer(client: Client, name: string): Promise<ServerInfo> {
  const ask = <T>(...command: string[]) => unlessForbidden(client.sendCommand<T>(command))
  const [hello, , text] = await Promise.all([
    ask<(string | number)[]>('HELLO', '2'),
    // Redis refuses names with letters beyond ASCII. The name is only for people to read.
    ask('HELLO', '2', 'SETNAME', name).catch(() => {}),
    // Without a section, because versions before 7 take one section at most.
    ask<string>('INFO'),
  ])
  const said = (field: string) => (hello?.includes(field) ? hello[hello.indexOf(field) + 1] : undefined)
  const info = text === undefined ? undefined : parseInfo(text)
  const version = said('version') ?? info?.get('valkey_version') ?? info?.get('redis_version')
  const [id, uptime] = [said('id'), info?.get('uptime_in_seconds')]
  return {
    name: said('server')?.toString() ?? info?.get('server_name'),
    version: version?.toString(),
    uptimeMs: uptime === undefined ? undefined : Number(uptime) * 1_000,
    clientId: id === undefined ? undefined : Number(id),
    warnings: warningsIn(info),
  }
}

/** @throws {RedisRefusedError} when the server lacks what the scripts need. An unknown version is trusted. */
export function checkVersion(version: string | undefined): void {
  if (Number.parseInt(version ?? '', 10) < OLDEST_REDIS)
    throw new RedisRefusedError(`Redis ${version} is too old: ${OLDEST_REDIS}.0 or newer is needed`)
}

/** Undefined: this user lacks the right, or the server does not know the command. */
export async function unlessForbidden<T>(reply: Promise<T>): Promise<T | undefined> {
  try {
    return await reply
  } catch (error) {
    if (isMissingRight(error)) return undefined
    throw error
  }
}

/** The fields of INFO. */
export function parseInfo(text: string): Map<string, string> {
  return new Map([...text.matchAll(/^(\w+):(.*?)\r?$/gm)].map(([, name = '', value = '']) => [name, value]))
}
