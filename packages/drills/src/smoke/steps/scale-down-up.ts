import { untilJoined } from '../consumers.ts'
import { must, type Step } from '../step.ts'

/** The consumers that are scaled away drain and exit with 0; those that come join in. */
export const scaleDownUp: Step = {
  name: 'scale to 1 and back to 3',
  async run(stack) {
    const before = await stack.running('consumer')
    const deathsBefore = stack.watch.deaths.length
    await stack.scale(1)
    const [left, ...tooMany] = await stack.running('consumer')
    must(left !== undefined && tooMany.length === 0, 'scaling to 1 did not leave one consumer')
    const leavers = before.filter((id) => id !== left)
    must(leavers.length > 0, 'no consumer was scaled away')
    const codes = await stack.exitCodes(leavers, deathsBefore)
    must(
      codes.every((code) => code === 0),
      `a consumer that was scaled away did not drain: exit codes ${codes.join(', ')}`,
    )

    await stack.scale(3)
    const now = await stack.running('consumer')
    must(now.length === 3, `scaling to 3 left ${now.length} consumers`)
    await untilJoined(stack, now)
    return { seen: `${leavers.length} drained and left with exit code 0, three again` }
  },
}
