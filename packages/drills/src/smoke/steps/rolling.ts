import type { Takedown } from '../../recovery.ts'
import { untilJoined, victimOf } from '../consumers.ts'
import { GROUP, type Stack } from '../stack.ts'
import { must, type Step } from '../step.ts'

/** As a deployment does it: one more joins in, then an old one leaves, until none of the old ones is left. */
export const rolling: Step = {
  name: 'rolling replacement of all consumers',
  async run(stack) {
    const old = await stack.running('consumer')
    const { lastDeliveredId: afterEntryId } = await stack.group.state()
    const takedowns: Takedown[] = []
    for (const id of old) {
      await stack.scale(old.length + 1)
      const now = await stack.running('consumer')
      must(now.length === old.length + 1, `scaling up by one left ${now.length} consumers`)
      await untilJoined(stack, now)
      takedowns.push(await leave(stack, id))
    }
    const held = takedowns.reduce((sum, { entryIds }) => sum + entryIds.length, 0)
    must(held > 0, 'the consumers that left held nothing: the replacement proved nothing')
    const { lastDeliveredId: untilEntryId } = await stack.group.state()
    const seen = `${takedowns.length} left one by one with exit code 0, holding ${held} entries when told to`
    return { seen, takedowns, handover: { afterEntryId, untilEntryId } }
  },
}

/** SIGTERM, and wait; what is left of the container is removed, or scaling would start it again. */
async function leave(stack: Stack, containerId: string): Promise<Takedown> {
  const { consumer } = await victimOf(stack, containerId)
  const entryIds = await stack.group.heldBy(consumer)
  const deathsBefore = stack.watch.deaths.length
  const at = Date.now()
  await stack.docker('stop', containerId)
  const [code] = await stack.exitCodes([containerId], deathsBefore)
  must(code === 0, `a consumer that was told to leave did not drain: exit code ${code}`)
  const leftBehind = await stack.group.heldBy(consumer)
  must(leftBehind.length === 0, `a consumer that was told to leave left ${leftBehind.length} entries behind`)
  await stack.docker('rm', containerId)
  return { group: GROUP, consumer, at, entryIds }
}
