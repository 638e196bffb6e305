import { setTimeout as sleep } from 'node:timers/promises'
import { UNLUCKY_USER, type UserEvents, userEvents } from '@redis-streams-processor/events'
import { type Context, type Handlers, reject } from '@redis-streams-processor/streams-core'

// What the consumers of a drill run (setting HANDLERS). Every effect is written with `commit`, so that a second one
// would show; some users are poison.

/** Users whose events take the process along, each in its own way. */
export const POISON = {
  exit: 'user_666001',
  timer: 'user_666002',
  memory: 'user_666003',
  block: 'user_666004',
} as const

/** Takes longer than the consumers of the health drill find healthy. */
export const SLOW_USER = 'user_1004'
const SLOW_MS = 8_000

/** Never returns, and does not look at its signal. */
export const HUNG_USER = 'user_1005'

/** Hash: event id → how often its effect was written. */
export const effectsKey = (group: string) => `{user_events}:effects:${group}`
/** Stream that handlers chain to. */
export const chainedKey = (group: string) => `{user_events}:chained:${group}`

export function createHandlers(workMs: number): Handlers<UserEvents> {
  const work = async ({ id, data }: { id: string; data: { userId: string } }, { group, commit }: Context) => {
    await poison(data.userId)
    const ms = data.userId === SLOW_USER ? SLOW_MS : workMs
    if (ms > 0) await sleep(ms)
    if (data.userId === HUNG_USER) await new Promise(() => {})
    // Without the setting, the same event succeeds.
    if (data.userId === UNLUCKY_USER && process.env.FAIL_UNLUCKY) reject('unlucky')
    await commit([
      ['HINCRBY', effectsKey(group), id, 1],
      ['XADD', chainedKey(group), '*', 'id', id],
    ])
  }
  return forEveryType(work)
}

export function forEveryType(handler: Handlers<UserEvents>['user.deleted']): Handlers<UserEvents> {
  const types = Object.keys(userEvents().catalog)
  return Object.fromEntries(types.map((type) => [type, handler])) as unknown as Handlers<UserEvents>
}

async function poison(userId: string): Promise<void> {
  if (userId === POISON.exit) process.exit(1)
  if (userId === POISON.timer) {
    setTimeout(() => {
      throw new Error('thrown from a timer')
    }, 5)
    await sleep(60_000)
  }
  if (userId === POISON.memory) {
    const hoard: string[][] = []
    for (;;) hoard.push(new Array(100_000).fill('x').map((x, i) => x + i))
  }
  if (userId === POISON.block) for (;;);
}
