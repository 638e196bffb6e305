import type { Takedown } from '../../recovery.ts'
import { pickVictim, takedownOf, untilTakenOver, type Victim } from '../consumers.ts'
import { LEASE_MS, type Stack } from '../stack.ts'
import { must, type Step } from '../step.ts'

const BACK_MS = 30_000

/** A consumer that is cut off lives on: others take over its entries; let in again, it works without a restart. */
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
    // Also after a failure: the consumer could not drain otherwise.
    const takedown = await cutOff(stack, victim, cutOffAt).finally(letIn)
    const letInAt = Date.now()
    const worksAgain = async () => ((await stack.group.consumers()).get(takedown.consumer)?.pending ?? 0) > 0
    await stack.until('the consumer that was cut off holds entries again', worksAgain, BACK_MS)
    const backAfterMs = Date.now() - letInAt
    must(await stack.isSameProcess(container), 'the consumer came back by a restart')
    const story = `cut off for ${letInAt - cutOffAt} ms with ${takedown.entryIds.length} entries`
    return { seen: `${story}, back at work after ${backAfterMs} ms without a restart`, takedowns: [takedown] }
  },
}

/** Resolves once the other consumers have all that it held, and its lease is long over. */
async function cutOff(stack: Stack, victim: Victim, at: number): Promise<Takedown> {
  const takedown = await takedownOf(stack, victim, at)
  await untilTakenOver(stack, victim)
  await stack.until('the partition outlasts the lease', () => Date.now() - at > 2 * LEASE_MS, 3 * LEASE_MS)
  must((await stack.group.heldBy(victim.consumer)).length === 0, 'the consumer was not cut off: it holds entries')
  return takedown
}
