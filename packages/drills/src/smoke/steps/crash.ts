import { pickVictim, strike, untilJoined, untilTakenOver } from '../consumers.ts'
import type { Stack } from '../stack.ts'
import type { Step } from '../step.ts'

/** The main process dies of itself, as far as Docker knows: the restart policy has to bring the container back. */
export const crash: Step = {
  name: 'SIGKILL of a consumer from outside',
  async run(stack) {
    const victim = await pickVictim(stack)
    const { state, restarts } = await stack.inspect(victim.containerId)
    const takedown = await strike(stack, victim, () => killProcess(stack, state.Pid))
    const isBack = async () => {
      const now = await stack.inspect(victim.containerId)
      return now.state.Running && now.state.Pid !== state.Pid && now.restarts > restarts && now.restarts
    }
    const restartCount = await stack.until('the restart policy brings it back', isBack, 20_000)
    await untilJoined(stack, [victim.containerId], victim.names)
    await untilTakenOver(stack, victim)
    return {
      seen: `held ${takedown.entryIds.length} entries, back with RestartCount ${restartCount}`,
      takedowns: [takedown],
    }
  },
}

/** From a container that sees the engine's processes: they may be in a virtual machine, or another user's. */
async function killProcess(stack: Stack, pid: number): Promise<void> {
  const [redis = ''] = await stack.running('redis')
  const { image } = await stack.inspect(redis)
  const run = ['run', '--rm', '--pid', 'host', '--network', 'none', '--entrypoint', 'sh']
  await stack.docker(...run, image, '-c', 'kill -KILL "$0"', String(pid))
}
