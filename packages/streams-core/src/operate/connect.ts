import { within } from '../base/loop.ts'
import { Connection } from '../broker/connection.ts'
import type { RedisOptions } from '../define/redis-options.ts'

/** How long to wait for Redis. */
export const TIMEOUT_MS = 5_000

export interface OperatorOptions {
  redis: RedisOptions
  /**
   * How long to wait for a connection. If it is given, a reply of Redis is late after 0.4 of it (at least 500 ms, at most
   * 5 s), else after 5 s. Milliseconds. Default 5,000.
   */
  timeoutMs?: number
}

/** One connection of an operator, which heals itself. */
export function connect({ redis, timeoutMs }: OperatorOptions, name: string) {
  const connection = new Connection({ redis, name, ...(timeoutMs === undefined ? {} : { deadlineMs: timeoutMs }) })
  const closing = new AbortController()
  return {
    connection,
    /** Waits a while for Redis. If there is no connection then, the command that follows throws. */
    ready: () => within(timeoutMs ?? TIMEOUT_MS, closing.signal, (limit) => connection.ready(limit)),
    /** Idempotent. */
    async close() {
      closing.abort()
      await connection.close()
    },
  }
}

/** Opens something, uses it once, and closes it. */
export async function once<T extends { close(): Promise<void> }, R>(opened: T, use: (opened: T) => Promise<R>) {
  try {
    return await use(opened)
  } finally {
    await opened.close()
  }
}
