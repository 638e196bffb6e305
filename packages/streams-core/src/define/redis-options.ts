import type { RedisClientOptions } from 'redis'

/**
 * Where Redis is, and who connects: a URL such as `redis://user:password@host:6379/0` or
 * `unix://user:password@/path?db=0`, or the options that node-redis takes to connect.
 */
export type RedisAddress = string | Pick<RedisClientOptions, 'url' | 'socket' | 'username' | 'password' | 'database'>

/**
 * An address, or a function that gives it: for credentials that change. The function is called before each connection,
 * and may take 4 seconds. When it fails, or Redis refuses what it gave, it is called again after a growing wait. Only
 * when Redis has refused for a minute without a break is the refusal for good.
 */
export type RedisOptions = RedisAddress | (() => RedisAddress | Promise<RedisAddress>)

/** Whether a text is a URL that Redis can be reached by. */
export function isRedisUrl(text: string): boolean {
  // The standard knows no URL with a user and without a host, as that of a Unix socket may be.
  return /^unix:\/\/([^/?#]*@)?\/[^/?#]/.test(text) || (/^rediss?:\/\/./.test(text) && URL.canParse(text))
}

/** One word of a Redis command. */
export type Argument = string | number
