import { untilActive, untilItGoesOn } from '../consumers.ts'
import { must, type Step } from '../step.ts'

const PAUSE_MS = 15_000
const RECOVERY_MS = 60_000

/** Redis answers nothing for longer than a lease, and than any client waits for a reply; connections stay open. */
export const redisPause: Step = {
  name: 'docker pause of Redis',
  async run(stack) {
    const [redis = ''] = await stack.running('redis')
    const consumers = await stack.running('consumer')
    const ids = [redis, ...(await stack.running('producer')), ...consumers]
    const containers = await Promise.all(ids.map((id) => stack.inspect(id)))
    const { pending } = await stack.group.state()
    must(pending > 0, 'nothing was being worked on: the pause proved nothing')

    const isPaused = async () => (await stack.inspect(redis)).state.Paused
    await stack.docker('pause', redis)
    const pausedAt = Date.now()
    try {
      must(await isPaused(), 'Redis is not paused')
      await stack.until('the pause is over', async () => Date.now() - pausedAt >= PAUSE_MS, 2 * PAUSE_MS)
      must(await isPaused(), 'Redis did not stay paused')
    } finally {
      // Also after a failure: without Redis there is nothing left to judge.
      await stack.docker('unpause', redis)
    }
    const unpausedAt = Date.now()

    // Some pending entries were delivered on connections that had been given up: their replies were lost.
    const open = await stack.until('Redis answers again', () => stack.group.pending(), RECOVERY_MS)
    await untilItGoesOn(stack, RECOVERY_MS)
    await untilActive(stack, consumers, unpausedAt, RECOVERY_MS)
    const recoveredAfterMs = Date.now() - unpausedAt
    const isDone = async () => [...(await stack.group.pending()).keys()].every((id) => !open.has(id))
    await stack.until('what was open when Redis came back is done', isDone, RECOVERY_MS)
    const doneAfterMs = Date.now() - unpausedAt
    const areSame = await Promise.all(containers.map((container) => stack.isSameProcess(container)))
    must(!areSame.includes(false), 'a container did not outlive the pause')
    const paused = `${pending} entries in work, paused for ${unpausedAt - pausedAt} ms`
    const recovered = `all at work again after ${recoveredAfterMs} ms without a restart`
    return { seen: `${paused}, ${recovered}, what was open is done after ${doneAfterMs} ms` }
  },
}
