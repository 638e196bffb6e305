import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import { sources, standardScheme, type UserEvents, userEvents, verify } from '@redis-streams-processor/events'
import { createProducer, type Producer } from '@redis-streams-processor/streams-core'
import type { EndpointOptions } from '../contestant.ts'

const TOLERANCE_MS = 300_000

/** What one writes by hand with `node:http`: it checks the signature as this project does, and appends by its library. */
export async function openEndpoint({ url, queue, port, secret }: EndpointOptions): Promise<string> {
  const dedupeMs = sources.standard?.dedupeMs as number
  const producer = createProducer(userEvents(queue), { redis: url, dedupeMs })
  await producer.ready()
  const keys = [standardScheme.keyOf(secret)]
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk) => chunks.push(chunk))
    request.on('end', () => answer(producer, keys, request, Buffer.concat(chunks), response))
  })
  await once(server.listen(port, '127.0.0.1'), 'listening')
  return `http://127.0.0.1:${port}/`
}

async function answer(
  producer: Producer<UserEvents>,
  keys: readonly Buffer[],
  { headers }: IncomingMessage,
  body: Buffer,
  response: ServerResponse,
): Promise<void> {
  const [status, said] = await take(producer, keys, headers, body).catch(() => [500, {}] as const)
  const text = JSON.stringify(said)
  const head = { 'content-type': 'application/json; charset=utf-8', 'content-length': Buffer.byteLength(text) }
  response.writeHead(status, head).end(text)
}

async function take(
  producer: Producer<UserEvents>,
  keys: readonly Buffer[],
  headers: IncomingHttpHeaders,
  body: Buffer,
): Promise<readonly [status: number, said: object]> {
  if (verify(standardScheme, { headers, body }, { keys, toleranceMs: TOLERANCE_MS }) !== 'signed') return [401, {}]
  const { type, timestamp, data } = JSON.parse(body.toString())
  const options = { id: headers['webhook-id'] as string, subject: data.userId, time: new Date(timestamp) }
  const published = await producer.publish(type, data, options)
  return [published.duplicate ? 200 : 202, published]
}
