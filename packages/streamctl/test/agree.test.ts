import { setTimeout as sleep } from 'node:timers/promises'
import { UNLUCKY_USER, userEvents } from '@redis-streams-processor/events'
import { createProducer, inspectStream } from '@redis-streams-processor/streams-core'
import { Scrape, type Worker } from '@redis-streams-processor/testbed'
import { expect } from 'vitest'
import { look } from '../../../services/console/test/support/looks.ts'
import { GROUP, type Lab, test } from '../../streams-core/test/support/lab.ts'
import { cliOf } from './support/cli.ts'

const EVENTS = 1_000
/** These are there for as long as the consumers need to start: the oldest one is older than most. */
const EARLY = 20
/** Every tenth event fails, and waits for its retry until the test is over. */
const FAILING = EVENTS / 10
/** Every twentieth has data that its schema refuses. */
const MALFORMED = EVENTS / 20
const KILLS = 3
/** By how much clocks and rounding may differ. Milliseconds. */
const SLACK_MS = 5

/** What somebody says of the group and its stream. */
interface Figures {
  length: number
  lag: number
  pending: number
  waitingForRetry: number
  deadLetters: number
  oldestUnhandledMs: number
}

/** What only falls while nothing is published, and what only grows. `done` grows with what is pending, too. */
interface Sight {
  length: number
  lag: number
  done: number
  waitingForRetry: number
  deadLetters: number
}
const FALLS = ['length', 'lag'] as const
const GROWS = ['done', 'waitingForRetry', 'deadLetters'] as const

const sightOf = ({
  length,
  lag,
  pending,
  waitingForRetry,
  deadLetters,
}: Omit<Figures, 'oldestUnhandledMs'>): Sight => ({
  ...{ length, lag, waitingForRetry, deadLetters },
  done: EVENTS - lag - pending - waitingForRetry,
})

/** Each view asks on its own; a figure may be as old as this. Milliseconds. */
interface View {
  maxAgeMs: number
  look(): Promise<Figures>
}

function viewsOf(lab: Lab, producer: Worker, page: Worker): Record<string, View> {
  const cli = cliOf(lab)
  type State = { length: number; groups: readonly ({ group: string } & Omit<Figures, 'length'>)[] }
  const figuresOf = ({ length, groups }: State): Figures => {
    const group = groups.find((one) => one.group === GROUP)
    if (!group) throw new Error(`no group ${GROUP}`)
    return { ...group, length }
  }
  return {
    inspectStream: {
      maxAgeMs: 0,
      look: async () => figuresOf(await inspectStream({ name: lab.streamName }, { redis: lab.as('operator') })),
    },
    'streamctl status': { maxAgeMs: 0, look: async () => figuresOf(await cli.json('status')) },
    '/metrics': {
      maxAgeMs: 1_000,
      look: async () => {
        const scrape = await Scrape.of(await producer.opsPort())
        const metric = (name: string) => scrape.sum(`streams_group_${name}`, { group: GROUP }) ?? Number.NaN
        return {
          length: scrape.sum('streams_stream_length', { stream: lab.streamName }) ?? Number.NaN,
          lag: metric('lag'),
          pending: metric('pending'),
          waitingForRetry: metric('waiting_for_retry'),
          deadLetters: metric('dead_letters'),
          oldestUnhandledMs: metric('oldest_unhandled_seconds') * 1_000,
        }
      },
    },
    'the page': { maxAgeMs: 1_000, look: async () => figuresOf((await newestLook(page)) as unknown as State) },
  }
}

/** What a browser is sent first. */
async function newestLook(page: Worker) {
  const { url } = await page.waitFor(({ msg }) => msg === 'the page is served')
  const [first] = await look(String(url), GROUP, 1)
  return first
}

/** What Redis' own commands said, and when: between two of their answers must lie what everybody else says. */
class Witness {
  readonly #lab: Lab
  readonly #seen: (Sight & { oldestAt: number; answeredAt: number })[] = []

  constructor(lab: Lab) {
    this.#lab = lab
  }

  async look() {
    const view = this.#lab.view()
    const stream = this.#lab.streamName
    const { openWork, pending, lastDeliveredId } = await view.state()
    const parked = (await view.consumers()).get('~retry')?.pending ?? 0
    const sight = {
      lag: openWork - pending,
      done: EVENTS - openWork,
      waitingForRetry: parked,
      deadLetters: await this.#lab.send<number>('XLEN', `{${stream}}:${GROUP}:dead`),
      length: await this.#lab.send<number>('XLEN', stream),
      oldestAt: await this.#timeOfOldest(lastDeliveredId),
      answeredAt: Date.now(),
    }
    this.#seen.push(sight)
    return sight
  }

  /** @throws when the view says what was true neither before nor after it was asked, nor in between. */
  async confirm(name: string, { look, maxAgeMs }: View): Promise<void> {
    await this.look()
    const askedAt = Date.now() - maxAgeMs
    const before = this.#seen.findLast(({ answeredAt }) => answeredAt <= askedAt)
    if (!before) throw new Error('nobody had looked before')
    const figures = await look()
    const answeredAt = Date.now()
    const after = await this.look()
    const said = sightOf(figures)
    const isTrue =
      FALLS.every((key) => said[key] <= before[key] && said[key] >= after[key]) &&
      GROWS.every((key) => said[key] >= before[key] && said[key] <= after[key]) &&
      // It looked at some time between, at an entry that was the oldest then.
      answeredAt - figures.oldestUnhandledMs >= before.oldestAt - SLACK_MS &&
      askedAt - figures.oldestUnhandledMs <= after.oldestAt + SLACK_MS
    if (!isTrue) expect.fail(`${name} says ${JSON.stringify({ figures, said, askedAt, answeredAt, before, after })}`)
  }

  /** When the first entry was appended that is pending or, if none is, not delivered yet. */
  async #timeOfOldest(lastDeliveredId: string): Promise<number> {
    const stream = this.#lab.streamName
    type Ids = [[id: string]] | []
    const [pending] = await this.#lab.send<Ids>('XPENDING', stream, GROUP, '-', '+', 1)
    const [next] = await this.#lab.send<Ids>('XRANGE', stream, `(${lastDeliveredId}`, '+', 'COUNT', 1)
    const [id] = pending ?? next ?? []
    return id === undefined ? Number.POSITIVE_INFINITY : Number.parseInt(id, 10)
  }
}

test('the page, streamctl, inspectStream and /metrics say what Redis says, while consumers are killed', async ({
  lab,
}) => {
  lab.mayLeavePending = true
  const publisher = createProducer(userEvents(lab.streamName), { redis: lab.as('producer') })
  lab.onClose(() => publisher.close())
  const publish = (n: number) => {
    const userId = n % 10 === 9 ? UNLUCKY_USER : 'user_1'
    return publisher.publishUnchecked('user.deleted', { userId: n % 20 === 5 ? 7 : userId })
  }
  const publishAll = (from: number, to: number) =>
    Promise.all(Array.from({ length: to - from }, (_, i) => publish(from + i)))
  await publishAll(0, EARLY)
  // Slow ones, so that the group is at work for as long as everybody is asked.
  const start = (WORK_MS: string) => {
    const retry = { RETRY_BASE_MS: '3600000', RETRY_MAX_MS: '3600000' }
    return lab.worker('consumer', { WORK_MS, CONCURRENCY: '4', LEASE_MS: '1000', BLOCK_MS: '100', ...retry })
  }
  const consumers = [start('400'), start('400'), start('400')]
  const producer = lab.worker('producer', { HTTP_PORT: '0', SIMULATE: 'off' })
  const page = lab.worker('console', { CONSOLE_PORT: '0' })
  await lab.until('the first event waits for its retry', async () =>
    [...(await lab.view().consumers()).keys()].includes('~retry'),
  )
  await publishAll(EARLY, EVENTS)
  const witness = new Witness(lab)
  const views = Object.entries(viewsOf(lab, producer, page))
  await lab.until('the group is at work', async () => (await witness.look()).done > EARLY)
  // What a view says may be a second old: from now on there is a look of Redis' that is older.
  await sleep(1_000)

  for (let n = 0; n < KILLS; n += 1) {
    const victim = consumers.shift() as Worker
    victim.kill('SIGKILL')
    await victim.exited()
    consumers.push(start('400'))
    for (const [name, view] of views) await witness.confirm(name, view)
  }
  const seen = await witness.look()
  expect(seen.lag).toBeGreaterThan(0)
  expect(seen.waitingForRetry).toBeGreaterThan(0)
  expect(seen.deadLetters).toBeGreaterThan(0)

  start('0')
  const atRest = { lag: 0, done: EVENTS - FAILING, waitingForRetry: FAILING, deadLetters: MALFORMED }
  await lab.until('nothing is left to do', async () => (await lab.view().state()).openWork === FAILING)
  for (const [name, view] of views) {
    const isAtRest = async () => {
      const { length, ...others } = sightOf(await view.look())
      return JSON.stringify(Object.entries(others).sort()) === JSON.stringify(Object.entries(atRest).sort())
    }
    await lab.until(`${name} says so`, isAtRest)
  }
})
