import { type ConsumerOptions, type Contestant, type EndpointOptions, pieces } from '../contestant.ts'
import { type BenchEvent, fieldsOf } from '../event.ts'
import { connect, createGroup, dataOf, GROUP, readNew } from './redis-client.ts'

const BATCH = 500
/** Each event has this many names and values. */
const WORDS = 10
const APPEND = `
for i = 1, #ARGV, ${WORDS} do
  redis.call('XADD', KEYS[1], '*', unpack(ARGV, i, i + ${WORDS - 1}))
end`

/** The fastest loop that one writes by hand: what Redis and its client can do, without a promise beyond Redis' own. */
export const contestant: Contestant = {
  settings: `publish: ${BATCH} events a Lua call that XADDs each, one call at a time; consume: XREADGROUP COUNT ${BATCH}, handlers, one XACK a batch`,

  async openPublisher({ url, queue }) {
    const client = await connect(url)
    const digest = await client.sendCommand<string>(['SCRIPT', 'LOAD', APPEND])
    return {
      async publish(events: readonly BenchEvent[]) {
        for (const piece of pieces(events, BATCH))
          await client.sendCommand(['EVALSHA', digest, '1', queue, ...piece.flatMap(fieldsOf)])
      },
      close: () => client.close(),
    }
  },

  async openConsumer({ url, queue, handle, acknowledged }: ConsumerOptions) {
    const client = await connect(url)
    await createGroup(client, queue)
    const consumer = String(process.pid)
    let isClosing = false
    const loop = async () => {
      while (!isClosing) {
        const entries = await readNew(client, queue, consumer, BATCH)
        if (entries.length === 0) continue
        for (const entry of entries) await handle(dataOf(entry))
        await client.sendCommand(['XACK', queue, GROUP, ...entries.map(([id]) => id)])
        for (const _ of entries) acknowledged()
      }
    }
    const looping = loop()
    return {
      async close() {
        isClosing = true
        await looping
        await client.close()
      },
    }
  },

  async openEndpoint(options: EndpointOptions) {
    const { openEndpoint } = await import('../endpoints/bare.ts')
    return openEndpoint(options)
  },
}
