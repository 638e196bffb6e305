import { createClient } from 'redis'

/** One raw command, as a foreign client would send it, on a connection of its own. */
export async function sendOnce<T = unknown>(url: string, args: readonly (string | Buffer)[]): Promise<T> {
  const client = createClient({ url, RESP: 2, socket: { reconnectStrategy: false, connectTimeout: 1_000 } })
  client.on('error', () => {})
  try {
    await client.connect()
    return await client.sendCommand<T>(args)
  } finally {
    if (client.isOpen) client.destroy()
  }
}
