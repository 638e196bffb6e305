import { setTimeout as sleep } from 'node:timers/promises'
import { userEvents } from '@redis-streams-processor/events'
import { createProducer, inspectStream } from '@redis-streams-processor/streams-core'
import { Scrape, type Worker } from '@redis-streams-processor/testbed'
import { expect } from 'vitest'
import { type Look, look } from '../../../services/console/test/support/looks.ts'
import { GROUP, type Lab, test } from '../../streams-core/test/support/lab.ts'
import { cliOf } from './support/cli.ts'

const EVENTS = 1_000
const KILLS = 3

/** What somebody says of the group. Nothing is published meanwhile, so the lag only falls, and what is done only grows. */
interface Figures {
  lag: number
  pending: number
  waitingForRetry: number
}

interface Sight {
  lag: number
  done: number
}

const sightOf = ({ lag, pending, waitingForRetry }: Figures): Sight => ({
  lag,
  done: EVENTS - lag - pending - waitingForRetry,
})

/** Each view asks on its own; a figure may be as old as this. Milliseconds. */
interface View {
  maxAgeMs: number
  look(): Promise<Figures>
}

function viewsOf(lab: Lab, producer: Worker, page: Worker): Record<string, View> {
  const cli = cliOf(lab)
  const metric = (scrape: Scrape, name: string) => scrape.sum(`streams_group_${name}`, { group: GROUP }) ?? Number.NaN
  const inGroup = ({ groups }: { groups: readonly ({ group: string } & Figures)[] }) =>
    groups.find(({ group }) => group === GROUP) as Figures
  return {
    inspectStream: {
      maxAgeMs: 0,
      look: async () => inGroup(await inspectStream({ name: lab.streamName }, { redis: lab.as('operator') })),
    },
    'streamctl status': { maxAgeMs: 0, look: async () => inGroup(await cli.json('status')) },
    '/metrics': {
      maxAgeMs: 1_000,
      look: async () => {
        const scrape = await Scrape.of(await producer.opsPort())
        const [pending, waitingForRetry] = [metric(scrape, 'pending'), metric(scrape, 'waiting_for_retry')]
        return { lag: metric(scrape, 'lag'), pending, waitingForRetry }
      },
    },
    'the page': { maxAgeMs: 1_000, look: async () => inGroup(await newestLook(page)) },
  }
}

/** What a browser is sent first. */
async function newestLook(page: Worker) {
  const { url } = await page.waitFor(({ msg }) => msg === 'the page is served')
  const [first] = await look(String(url), GROUP, 1)
  return first as Look
}

/** What XINFO said, and when: between two of its answers must lie what everybody else says. */
class Witness {
  readonly #lab: Lab
  readonly #seen: (Sight & { askedAt: number; answeredAt: number })[] = []

  constructor(lab: Lab) {
    this.#lab = lab
  }

  async look(): Promise<Sight> {
    const askedAt = performance.now()
    const { openWork, pending } = await this.#lab.view().state()
    const sight = sightOf({ lag: openWork - pending, pending, waitingForRetry: 0 })
    this.#seen.push({ ...sight, askedAt, answeredAt: performance.now() })
    return sight
  }

  /** @throws when the view says what was true neither before nor after it was asked, nor in between. */
  async confirm(name: string, { look, maxAgeMs }: View): Promise<void> {
    await this.look()
    const oldest = performance.now() - maxAgeMs
    const before = this.#seen.findLast(({ answeredAt }) => answeredAt <= oldest) as Sight
    const said = sightOf(await look())
    const after = await this.look()
    const isTrue =
      said.lag <= before.lag && said.lag >= after.lag && said.done >= before.done && said.done <= after.done
    if (!isTrue) expect.fail(`${name} says ${JSON.stringify({ said, before, after })}`)
  }
}

test('the page, streamctl, inspectStream and /metrics say what XINFO says, while consumers are killed', async ({
  lab,
}) => {
  const publisher = createProducer(userEvents(lab.streamName), { redis: lab.as('producer') })
  lab.onClose(() => publisher.close())
  await Promise.all(Array.from({ length: EVENTS }, () => publisher.publish('user.deleted', { userId: 'user_1' })))
  // Slow ones, so that the group is at work for as long as everybody is asked.
  const start = (workMs: string) =>
    lab.worker('consumer', { WORK_MS: workMs, CONCURRENCY: '4', LEASE_MS: '1000', BLOCK_MS: '100' })
  const consumers = [start('400'), start('400'), start('400')]
  const producer = lab.worker('producer', { HTTP_PORT: '0', SIMULATE: 'off' })
  const page = lab.worker('console', { CONSOLE_PORT: '0' })
  const witness = new Witness(lab)
  const views = Object.entries(viewsOf(lab, producer, page))
  await lab.until('the group is at work', async () => (await witness.look()).done > 0)
  // What a view says may be a second old: from now on there is a look of XINFO that is older.
  await sleep(1_000)

  for (let n = 0; n < KILLS; n += 1) {
    const victim = consumers.shift() as Worker
    victim.kill('SIGKILL')
    await victim.exited()
    consumers.push(start('400'))
    for (const [name, view] of views) await witness.confirm(name, view)
  }
  expect((await witness.look()).lag).toBeGreaterThan(0)

  start('0')
  await lab.until('nothing is left to do', async () => (await lab.view().state()).openWork === 0)
  for (const [name, view] of views) {
    const isAtRest = async () => JSON.stringify(sightOf(await view.look())) === JSON.stringify({ lag: 0, done: EVENTS })
    await lab.until(`${name} says so`, isAtRest)
  }
})
