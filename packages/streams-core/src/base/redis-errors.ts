import { messageOf, RedisRefusedError, RedisUnavailableError } from './errors.ts'

// A Redis error begins with its code; the text behind it differs between versions. The code ERR says nothing by itself:
// there the first words of the text count, too.
const badCredentials = ['WRONGPASS', 'NOAUTH', 'ERR AUTH', 'ERR invalid password']
const refusals = [
  ...badCredentials,
  'NOPERM',
  'WRONGTYPE',
  'ERR unknown',
  // NOPERM from inside a script: the text of Redis 7.0, then that of newer versions.
  'ERR The user executing the script',
  'ERR ACL failure in script',
  'ERR WAITAOF',
  'ERR DB index',
  'ERR invalid DB index',
  // The answers of a node of a Redis Cluster, which needs a client that knows all nodes.
  'MOVED',
  'CROSSSLOT',
]
const temporary = [
  'LOADING',
  'READONLY',
  'OOM',
  'MISCONF',
  'BUSY',
  'CLUSTERDOWN',
  'MASTERDOWN',
  'TRYAGAIN',
  'NOREPLICAS',
  'UNBLOCKED',
  'UNKILLABLE',
  'ERR max number of clients',
]

const startsWithAny = (text: string, codes: string[]) => codes.some((code) => text.startsWith(code))

/** True when the consumer group is gone: the group or its stream was deleted. */
export function isMissingGroup(error: unknown): boolean {
  return messageOf(error).startsWith('NOGROUP')
}

/** True for what trying again cannot mend: wrong password, no permission, a key of another type, too old a server. */
export function isRefusal(error: unknown): boolean {
  return error instanceof RedisRefusedError || startsWithAny(messageOf(error), refusals)
}

/** True when Redis does not accept the credentials, or no longer does. */
export function isBadCredentials(error: unknown): boolean {
  return startsWithAny(messageOf(error), badCredentials)
}

/** True when the user lacks the right to a command, or the server does not know it. */
export function isMissingRight(error: unknown): boolean {
  return startsWithAny(messageOf(error), ['NOPERM', 'ERR unknown command'])
}

/** True for a temporary error: no connection, or a server that cannot serve at the moment. */
export function isTemporary(error: unknown): boolean {
  return error instanceof RedisUnavailableError || startsWithAny(messageOf(error), temporary)
}
