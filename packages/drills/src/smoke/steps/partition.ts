import type { Loss } from '../../recovery.ts'
import { lossOf, pickVictim, takenOver, type Victim } from '../consumers.ts'
import { LEASE_MS, type Stack } from '../stack.ts'
import { must, type Step } from '../step.ts'

const BACK_MS = 30_000

/** Its process lives on and knows nothing: its siblings take over, and once it is let in again, it works again. */
export const partition: Step = {
  name: 'network partition of a consumer',
  async run(stack) {
    const victim = await pickVictim(stack)
    const container = await stack.inspect(victim.containerId)
    const [network = '', ...more] = container.networks
    must(network !== '' && more.length === 0, 'a consumer is not in one network')
    await stack.docker('network', 'disconnect', network, victim.containerId)
    const cutOffAt = Date.now()
    const letIn = () => stack.docker('network', 'connect', network, victim.containerId)
    // Also after a failure: it could not drain otherwise.
    const loss = await cutOff(stack, victim, cutOffAt).finally(letIn)
    const letInAt = Date.now()
    const worksAgain = async () => ((await stack.group.consumers()).get(loss.consumer)?.pending ?? 0) > 0
    await stack.until('the consumer that was cut off holds entries again', worksAgain, BACK_MS)
    const backAfterMs = Date.now() - letInAt
    must(await stack.isSameProcess(container), 'the consumer came back by a restart')
    const story = `cut off for ${letInAt - cutOffAt} ms with ${loss.entryIds.length} entries`
    return { seen: `${story}, back at work after ${backAfterMs} ms without a restart`, losses: [loss] }
  },
}

/** Resolves once its siblings have all that it held, and its lease is long over. */
async function cutOff(stack: Stack, victim: Victim, at: number): Promise<Loss> {
  const loss = await lossOf(stack, victim, at)
  await takenOver(stack, victim)
  await stack.until('the partition outlasts the lease', () => Date.now() - at > 2 * LEASE_MS, 3 * LEASE_MS)
  must((await stack.group.heldBy(victim.consumer)).length === 0, 'the consumer was not cut off: it holds entries')
  return loss
}
