import { joined, pickVictim, strike, takenOver } from '../consumers.ts'
import { must, type Step } from '../step.ts'

/** Docker takes it for a stop by hand: the container stays dead, and its siblings have to do. */
export const killByHand: Step = {
  name: 'docker kill of a consumer',
  async run(stack) {
    const victim = await pickVictim(stack)
    const loss = await strike(stack, victim, () => stack.docker('kill', victim.containerId))
    await takenOver(stack, victim)
    const { state } = await stack.inspect(victim.containerId)
    must(!state.Running, 'the container came back by itself')
    await stack.scale(3)
    await joined(stack, [victim.containerId], victim.names)
    return {
      seen: `held ${loss.entryIds.length} entries, taken over while it lay dead, then started again`,
      losses: [loss],
    }
  },
}
