import { Scrape } from '@redis-streams-processor/testbed'
import { GROUP, type Stack } from '../stack.ts'
import { must, type Step } from '../step.ts'

const READY_MS = 30_000
/** How far the lag may move in the second that a figure may be old, and while it is asked for. A part of it. */
const MOVES = 0.1

/** What each service says at its port for operations: it can be asked from inside its container alone. */
export const operations: Step = {
  name: '/readyz and /metrics of producer and consumers',
  async run(stack) {
    const [producer = ''] = await stack.running('producer')
    const ids = [producer, ...(await stack.running('consumer'))]
    for (const id of ids) {
      const isReady = async () => (await get(stack, id, '/readyz')).startsWith('200 ')
      await stack.until('a service is ready', isReady, READY_MS)
      const scrape = new Scrape(await get(stack, id, '/metrics'))
      must(scrape.sum('nodejs_eventloop_lag_seconds') !== undefined, 'a service has no metrics')
    }
    const said = new Scrape(await get(stack, producer, '/metrics')).sum('streams_group_lag', { group: GROUP })
    const { openWork, pending } = await stack.group.state()
    const lag = openWork - pending
    const isTrue = said !== undefined && Math.abs(said - lag) <= lag * MOVES
    must(isTrue, `the producer says that the lag is ${said}, Redis says ${lag}`)
    return { seen: `${ids.length} containers are ready; the producer says that the lag is ${said}, Redis says ${lag}` }
  },
}

/** The status, and the body. */
function get(stack: Stack, id: string, path: string): Promise<string> {
  const show = 'async (answer) => console.log(answer.status, await answer.text())'
  return stack.docker('exec', id, 'node', '-e', `fetch('http://127.0.0.1:9464${path}').then(${show})`)
}
