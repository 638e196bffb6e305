import { catalog } from '@redis-streams-processor/events'
import type { Context } from '../../src/index.ts'

/** Handlers that block the event loop for three leases of a test, once, and then wait to be told of it. */
export function createHandlers() {
  const blockOnce = async (_: unknown, { attempt, signal }: Context) => {
    if (attempt > 1) return
    const until = Date.now() + 3_000
    while (Date.now() < until);
    // Nothing but the signal lets it go on.
    await new Promise((resolve) => signal.addEventListener('abort', resolve))
  }
  return Object.fromEntries(Object.keys(catalog).map((type) => [type, blockOnce]))
}
