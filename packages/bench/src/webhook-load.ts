import { Agent, type IncomingMessage, request } from 'node:http'
import { signStandard } from '@redis-streams-processor/events'
import { makeEvent, TYPE } from './event.ts'
import { now, type SendArgs, type Sent } from './protocol.ts'

const CONNECTIONS = 50
const BODY_BYTES = 512

interface Webhook {
  headers: Readonly<Record<string, string>>
  body: string
}

const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS })

/**
 * Sends so many webhooks over connections that stay open, on each the next one once the last is answered. They are signed
 * before the clock starts.
 * @throws when one is not appended.
 */
export async function sendWebhooks({ url, secret, count }: SendArgs): Promise<Sent> {
  const webhooks = Array.from({ length: count }, (_, n) => makeWebhook(secret, n))
  const startedAt = now()
  let next = 0
  const lane = async () => {
    for (let n = next++; n < count; n = next++) await send(url, webhooks[n] as Webhook)
  }
  await Promise.all(Array.from({ length: CONNECTIONS }, lane))
  return { startedAt, endedAt: now() }
}

function makeWebhook(secret: string, n: number): Webhook {
  const { id, data } = makeEvent(n)
  const bodyWith = (note: string) =>
    JSON.stringify({ type: TYPE, timestamp: new Date().toISOString(), data: { ...data, note } })
  const body = bodyWith('x'.repeat(BODY_BYTES - bodyWith('').length))
  return { body, headers: { ...signStandard(secret, id, body), 'content-length': String(body.length) } }
}

function send(url: string, { headers, body }: Webhook): Promise<void> {
  return new Promise((resolve, reject) => {
    const answered = (response: IncomingMessage) => {
      if (response.statusCode !== 202) reject(new Error(`a webhook was answered ${response.statusCode}`))
      // Read to its end, or the connection cannot be used again.
      response.resume().once('end', resolve)
    }
    request(url, { agent, method: 'POST', headers }, answered).once('error', reject).end(body)
  })
}
