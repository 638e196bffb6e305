import { randomUUID } from 'node:crypto'
import { SpanKind } from '@opentelemetry/api'
import { Worker } from '@redis-streams-processor/testbed'
import { expect, inject, onTestFinished, test } from 'vitest'
import { Endpoint, event, SECRET_SETTINGS, signed } from './support/endpoint.ts'

const SDK = new URL('./support/print-spans.mjs', import.meta.url)
const traceId = '0af7651916cd43dd8448eb211c80319c'
const spanId = 'b7ad6b7169203331'
const traceparent = `00-${traceId}-${spanId}-01`

test('with an SDK, the trace goes from the sender of a webhook through both services, without further set-up', async () => {
  const stream = `test_${randomUUID().slice(0, 8)}`
  const start = (service: 'producer' | 'consumer') => {
    const webhooks = { HTTP_PORT: '0', SIMULATE: 'off', ...SECRET_SETTINGS }
    const env = { REDIS_URL: inject('redisUrl'), STREAM: stream, NODE_OPTIONS: `--import ${SDK}`, WORK_MS: '0' }
    const worker = new Worker(service, { ...env, ...webhooks })
    onTestFinished(async () => {
      worker.kill('SIGKILL')
      await worker.exited()
    })
    const span = async (kind: SpanKind) =>
      (await worker.waitFor((line) => line.msg === 'span' && line.kind === kind)) as Record<string, unknown>
    return { worker, span }
  }
  const [producer, consumer] = [start('producer'), start('consumer')]
  const { url } = await producer.worker.waitFor(({ msg }) => msg === 'webhooks are served')
  const body = event()
  const headers = { ...signed.standard(body), traceparent }
  const address = `http://127.0.0.1:${new URL(String(url)).port}/webhooks/standard`
  expect((await fetch(address, { method: 'POST', headers, body })).status).toBe(202)

  const sent = await producer.span(SpanKind.PRODUCER)
  expect(sent).toMatchObject({ name: `send ${stream}`, traceId, parentSpanId: spanId })
  expect(await consumer.span(SpanKind.CONSUMER)).toMatchObject({ name: `process ${stream}`, linked: [sent.spanId] })
})

test('without an SDK, the event carries the trace of the sender; what is no trace is left out', async () => {
  const endpoint = new Endpoint()
  const send = async (headers: Record<string, string>) => {
    const body = event()
    expect(await endpoint.post('standard', body, { ...signed.standard(body), ...headers })).toMatchObject({
      status: 202,
    })
  }
  await send({ traceparent, tracestate: 'vendor=1' })
  await send({ traceparent: traceparent.toUpperCase(), tracestate: 'vendor=1' })
  await send({ traceparent: `00-${traceId}`, tracestate: 'vendor=1' })
  await send({ traceparent, tracestate: 'é'.repeat(3) })
  await send({ tracestate: 'vendor=1' })
  const entries = [...(await endpoint.entries()).values()]
  const traces = entries.map((fields) => [fields.traceparent, fields.tracestate])
  const none = [undefined, undefined]
  expect(traces).toEqual([[traceparent, 'vendor=1'], none, none, [traceparent, undefined], none])
})
