import { setTimeout as sleep } from 'node:timers/promises'
import { UNLUCKY_USER, type UserEvents, userEvents } from '@redis-streams-processor/events'
import { batch, type Context, type Handlers, reject, type StreamEvent } from '@redis-streams-processor/streams-core'

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

/** Fails, among others in its batch. */
export const BAD_USER = 'user_1006'
/** Makes the whole batch throw. */
export const CULPRIT_USER = 'user_1007'

/** The same effects, written for a batch in one step. Setting HANDLERS of the drill `batches`: see batch-handlers.ts. */
export function createBatchHandlers(workMs: number): Handlers<UserEvents> {
  return forEveryType(
    batch<StreamEvent<string, { userId: string }>>({
      maxSize: 20,
      maxWaitMs: 20,
      async handle(events, { group, fail, commit }) {
        for (const { data } of events) await poison(data.userId)
        if (workMs > 0) await sleep(workMs)
        if (events.some(({ data }) => data.userId === CULPRIT_USER)) throw new Error('one of them is the culprit')
        const good = events.filter(({ data }) => data.userId !== BAD_USER)
        for (const { id, data } of events) if (data.userId === BAD_USER) fail(id, new Error('bad'))
        if (good.length === 0) return
        await commit(
          good.flatMap(({ id }) => [
            ['HINCRBY', effectsKey(group), id, 1],
            ['XADD', chainedKey(group), '*', 'id', id],
          ]),
        )
      },
    }),
  )
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
