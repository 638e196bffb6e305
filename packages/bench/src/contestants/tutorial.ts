import type { ConsumerOptions, Contestant } from '../contestant.ts'
import { type BenchEvent, fieldsOf } from '../event.ts'
import { connect, createGroup, dataOf, type Entry, GROUP, readNew } from './redis-client.ts'

const SWEEP_MS = 15_000

/** The loop that tutorials on Redis Streams teach: one entry at a time, each step awaited, each told in the log. */
export const contestant: Contestant = {
  settings:
    'publish: XADD, one at a time; consume: XREADGROUP COUNT 1, handler, await XACK, a log line each (to /dev/null); XPENDING and XCLAIM every 15 s. Without its MAXLEN ~ 10000, which would drop a part of the backlogs',

  async openPublisher({ url, queue }) {
    const client = await connect(url)
    return {
      async publish(events: readonly BenchEvent[]) {
        for (const event of events) await client.sendCommand(['XADD', queue, '*', ...fieldsOf(event)])
      },
      close: () => client.close(),
    }
  },

  async openConsumer({ url, queue, leaseMs = SWEEP_MS, handle, acknowledged }: ConsumerOptions) {
    const client = await connect(url)
    const sweeping = await connect(url)
    await createGroup(client, queue)
    const consumer = String(process.pid)
    let isClosing = false

    const handleEntry = async (entry: Entry) => {
      await handle(dataOf(entry))
      await sweeping.sendCommand(['XACK', queue, GROUP, entry[0]])
      console.log(`[${consumer}] processed ${entry[0]}`)
      acknowledged()
    }
    const loop = async () => {
      while (!isClosing) for (const entry of await readNew(client, queue, consumer, 1)) await handleEntry(entry)
    }
    const sweep = async () => {
      const idle = String(leaseMs)
      const pending = await sweeping.sendCommand<[string][]>(['XPENDING', queue, GROUP, 'IDLE', idle, '-', '+', '100'])
      if (pending.length === 0) return
      const ids = pending.map(([id]) => id)
      const claimed = await sweeping.sendCommand<Entry[]>(['XCLAIM', queue, GROUP, consumer, idle, ...ids])
      for (const entry of claimed) await handleEntry(entry)
    }
    const looping = loop()
    const timer = setInterval(sweep, SWEEP_MS)
    return {
      async close() {
        isClosing = true
        clearInterval(timer)
        await looping
        await Promise.all([client.close(), sweeping.close()])
      },
    }
  },
}
