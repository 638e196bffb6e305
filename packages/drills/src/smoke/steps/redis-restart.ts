import { must, type Step } from '../step.ts'

/** While the producer publishes and the consumers work; what was acknowledged to either must still be so. */
export const redisRestart: Step = {
  name: 'restart of the Redis container',
  async run(stack) {
    const [id = ''] = await stack.running('redis')
    const { StartedAt } = (await stack.inspect(id)).state
    const { pending } = await stack.redis.view()
    must(pending > 0, 'nothing was being worked on: the restart did not hit')
    const downFrom = Date.now()
    await stack.compose('restart', 'redis')
    const isBack = async () => {
      const { state } = await stack.inspect(id)
      return state.StartedAt !== StartedAt && state.Health?.Status === 'healthy'
    }
    await stack.until('Redis is back and healthy', isBack, 60_000)
    const back = await stack.redis.view()
    const backAfterMs = Date.now() - downFrom
    must(back.openWork > 0, 'no work was open any more: the restart did not hit')
    const goesOn = async () => {
      const { newestId, lastDeliveredId } = await stack.redis.view()
      return newestId !== back.newestId && lastDeliveredId !== back.lastDeliveredId
    }
    await stack.until('publishing and delivery go on', goesOn, 60_000)
    return { seen: `${pending} entries in work, healthy after ${backAfterMs} ms, publishing and delivery go on` }
  },
}
