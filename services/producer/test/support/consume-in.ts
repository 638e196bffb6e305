import {
  type Catalog,
  type ConsumerOptions,
  createConsumer,
  type Handlers,
  type StreamDefinition,
} from '@redis-streams-processor/streams-core'
import { until, withUser } from '@redis-streams-processor/testbed'
import { onTestFinished } from 'vitest'

export const GROUPS = ['group_1', 'group_2']

/** A consumer in each group. `handled`: the event ids that each group has handled. */
export function consumeIn<C extends Catalog>(
  redis: string,
  stream: StreamDefinition<C>,
  more: Pick<ConsumerOptions<C>, 'maxEventBytes'> = {},
) {
  const handled = new Map(GROUPS.map((group) => [group, [] as string[]]))
  const stopping = new AbortController()
  const running = GROUPS.map((group) => {
    const handle = ({ id }: { id: string }) => void handled.get(group)?.push(id)
    const handlers = Object.fromEntries(Object.keys(stream.catalog).map((type) => [type, handle]))
    const options = { group, handlers: handlers as unknown as Handlers<C>, ...more }
    return createConsumer(stream, { redis: withUser(redis, 'consumer'), ...options }).run({ signal: stopping.signal })
  })
  const stop = async () => {
    stopping.abort()
    await Promise.all(running)
  }
  onTestFinished(stop)
  return { handled, stop }
}

export const handledByAll = (handled: Map<string, string[]>, count: number) =>
  until(`every group handles ${count}`, () => [...handled.values()].every((ids) => new Set(ids).size === count), {
    timeoutMs: 30_000,
  })
