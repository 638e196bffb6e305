import { existsSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { catalog, UNLUCKY_USER } from '@redis-streams-processor/events'
import type { Context } from '@redis-streams-processor/streams-core'

/** Handlers that wait, and that fail for one user for as long as the file BROKEN is there. */
export function createHandlers(workMs: number) {
  const work = async ({ data }: { data: { userId: string } }, { signal }: Context) => {
    if (data.userId === UNLUCKY_USER && existsSync(process.env.BROKEN ?? '')) throw new Error('database timeout')
    await sleep(workMs, undefined, { signal })
  }
  return Object.fromEntries(Object.keys(catalog).map((type) => [type, work]))
}
