import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { runProducer, settingsSchema } from '@redis-streams-processor/producer'
import { parseSettings } from '@redis-streams-processor/service-kit'
import type { EndpointOptions } from '../contestant.ts'

/** The producer service with its defaults, its log lines included. */
export async function openEndpoint({ url, queue, port, secret }: EndpointOptions): Promise<string> {
  const settings = parseSettings(settingsSchema, {
    ...{ REDIS_URL: url, STREAM: queue, SIMULATE: 'off', WEBHOOK_STANDARD_SECRET: secret },
    ...{ HTTP_HOST: '127.0.0.1', HTTP_PORT: String(port), OPS_PORT: '0' },
  })
  const running = runProducer(settings, new AbortController().signal)
  await Promise.race([running, untilOpen(port)])
  return `http://127.0.0.1:${port}/webhooks/standard`
}

async function untilOpen(port: number): Promise<void> {
  while (!(await isOpen(port))) await sleep(20)
}

function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}
