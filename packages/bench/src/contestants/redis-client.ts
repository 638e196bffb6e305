import { createClient } from 'redis'

/** The client that this project uses, for the loops that are written by hand. */
export async function connect(url: string) {
  const client = createClient({ url, RESP: 2 })
  // Nobody breaks the server here; an error that matters rejects a command, too.
  client.on('error', () => {})
  await client.connect()
  return client
}

export type Client = Awaited<ReturnType<typeof connect>>

export const GROUP = 'bench'

/** Name, value, name, value … of an entry, and its id. */
export type Entry = readonly [id: string, fields: readonly string[]]

export async function createGroup(client: Client, stream: string): Promise<void> {
  await client.sendCommand(['XGROUP', 'CREATE', stream, GROUP, '0', 'MKSTREAM']).catch((error: Error) => {
    if (!error.message.startsWith('BUSYGROUP')) throw error
  })
}

/** New entries, as Redis replies them; none when it has waited for two seconds. */
export async function readNew(
  client: Client,
  stream: string,
  consumer: string,
  count: number,
): Promise<readonly Entry[]> {
  const where = ['COUNT', String(count), 'BLOCK', '2000', 'STREAMS', stream, '>']
  const reply = await client.sendCommand<[[string, Entry[]]] | null>(['XREADGROUP', 'GROUP', GROUP, consumer, ...where])
  return reply?.[0][1] ?? []
}

/** The data of an entry whose last field it is. */
export const dataOf = ([, fields]: Entry) => JSON.parse(fields[fields.length - 1] as string)
