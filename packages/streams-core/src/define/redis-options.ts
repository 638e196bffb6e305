import type { RedisClientOptions } from 'redis'

/** A URL such as `redis://user:password@host:6379/0`, or the options that node-redis takes to connect. */
export type RedisOptions = string | Pick<RedisClientOptions, 'url' | 'socket' | 'username' | 'password' | 'database'>

/** One word of a Redis command. */
export type Argument = string | number
