import { pickVictim, strike, untilJoined, untilTakenOver } from '../consumers.ts'
import { must, type Step } from '../step.ts'

/** Docker takes it for a stop by hand: the container stays dead, and the other consumers take over. */
export const killByHand: Step = {
  name: 'docker kill of a consumer',
  async run(stack) {
    const victim = await pickVictim(stack)
    const takedown = await strike(stack, victim, () => stack.docker('kill', victim.containerId))
    await untilTakenOver(stack, victim)
    const { state } = await stack.inspect(victim.containerId)
    must(!state.Running, 'the container came back by itself')
    await stack.scale(3)
    await untilJoined(stack, [victim.containerId], victim.names)
    return {
      seen: `held ${takedown.entryIds.length} entries, taken over while it lay dead, then started again`,
      takedowns: [takedown],
    }
  },
}
