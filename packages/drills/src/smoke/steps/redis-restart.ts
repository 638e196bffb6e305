import { untilItGoesOn } from '../consumers.ts'
import { must, type Step } from '../step.ts'

/** Under load. What Redis has answered must survive; the verdict at the end tells. */
export const redisRestart: Step = {
  name: 'restart of the Redis container',
  async run(stack) {
    const [id = ''] = await stack.running('redis')
    const { StartedAt } = (await stack.inspect(id)).state
    const { pending } = await stack.group.state()
    must(pending > 0, 'nothing was being worked on: the restart proved nothing')
    const downFrom = Date.now()
    await stack.compose('restart', 'redis')
    const isBack = async () => {
      const { state } = await stack.inspect(id)
      return state.StartedAt !== StartedAt && state.Health?.Status === 'healthy'
    }
    await stack.until('Redis is back and healthy', isBack, 60_000)
    const backAfterMs = Date.now() - downFrom
    await untilItGoesOn(stack, 60_000)
    return { seen: `${pending} entries in work, healthy after ${backAfterMs} ms, publishing and delivery go on` }
  },
}
