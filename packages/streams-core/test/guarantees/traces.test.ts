import * as api from '@opentelemetry/api'
import { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node'
import { afterAll, beforeAll, beforeEach, expect } from 'vitest'
import { batch, skip } from '../../src/index.ts'
import { test } from '../support/lab.ts'

// The SDK with its own exporter that keeps spans in memory, and its propagator of W3C Trace Context.

const exporter = new InMemorySpanExporter()
const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] })
const tracer = () => api.trace.getTracer('test')

beforeAll(() => provider.register())
beforeEach(() => exporter.reset())
afterAll(async () => {
  await provider.shutdown()
  api.trace.disable()
  api.context.disable()
  api.propagation.disable()
})

const spansOf = (kind: api.SpanKind) => exporter.getFinishedSpans().filter((span) => span.kind === kind)
const idsOf = ({ traceId, spanId }: api.SpanContext) => ({ traceId, spanId })

test('a publish makes a PRODUCER span within the span of its caller; the handler runs in a CONSUMER span that links to it', async ({
  lab,
}) => {
  const producer = lab.producer({ tracing: { api } })
  let active: api.SpanContext | undefined
  const consumer = await lab.consumer({
    tracing: { api },
    handlers: {
      async counted() {
        await new Promise(setImmediate)
        active = api.trace.getActiveSpan()?.spanContext()
      },
    },
  })
  const request = tracer().startSpan('request')
  const { id } = await api.context.with(api.trace.setSpan(api.context.active(), request), () =>
    producer.publish('counted', { n: 1 }),
  )
  request.end()
  await consumer.reports.until('1 event is acknowledged', (reports) => reports.settled('ack').length === 1)

  const [[send, ...otherSends], [run, ...otherRuns]] = [spansOf(api.SpanKind.PRODUCER), spansOf(api.SpanKind.CONSUMER)]
  expect([otherSends, otherRuns]).toEqual([[], []])
  expect(send).toMatchObject({
    name: `send ${lab.streamName}`,
    parentSpanContext: idsOf(request.spanContext()),
    attributes: { 'messaging.message.id': id, 'cloudevents.event_type': 'counted' },
    status: { code: api.SpanStatusCode.UNSET },
  })
  expect(run).toMatchObject({
    name: `process ${lab.streamName}`,
    links: [{ context: idsOf(send?.spanContext() as api.SpanContext) }],
    attributes: { 'messaging.message.id': id, 'messaging.consumer.group.name': 'group_1' },
  })
  expect(run?.parentSpanContext).toBeUndefined()
  expect(run?.spanContext().traceId).not.toBe(send?.spanContext().traceId)
  // What the handler does is part of its span.
  expect(active).toEqual(run?.spanContext())
})

test('with isChild the span of the publish is the parent', async ({ lab }) => {
  const producer = lab.producer({ tracing: { api } })
  const consumer = await lab.consumer({ tracing: { api, isChild: true } })
  await producer.publish('counted', { n: 1 })
  await consumer.reports.until('1 event is acknowledged', (reports) => reports.settled('ack').length === 1)
  const [[send], [run]] = [spansOf(api.SpanKind.PRODUCER), spansOf(api.SpanKind.CONSUMER)]
  expect(run?.parentSpanContext).toMatchObject(idsOf(send?.spanContext() as api.SpanContext))
  expect(run?.links).toEqual([])
})

test('traceparent and tracestate of the caller travel untouched to the handler', async ({ lab }) => {
  const trace = {
    traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
    tracestate: 'vendor=opaque,other=1',
  }
  const seen: unknown[] = []
  const consumer = await lab.consumer({
    handlers: {
      counted({ traceparent, tracestate }) {
        seen.push({ traceparent, tracestate })
      },
    },
  })
  await lab.producer().publish('counted', { n: 1 }, trace)
  await lab.producer({ tracing: { api } }).publish('counted', { n: 2 }, { ...trace, subject: 'user_1' })
  await lab.producer().publish('counted', { n: 3 }, { tracestate: 'means=nothing' })
  await consumer.reports.until('3 events are acknowledged', (reports) => reports.settled('ack').length === 3)
  const nothing = { traceparent: undefined, tracestate: undefined }
  expect(seen).toEqual([trace, trace, nothing])
})

test('errors: a refused publish and a handler that throws have status ERROR, a skip has not', async ({ lab }) => {
  const producer = lab.producer({ tracing: { api } })
  const consumer = await lab.consumer({
    tracing: { api },
    retry: { maxDeliveries: 1 },
    handlers: {
      counted: () => Promise.reject(new Error('no such account')),
      noted: () => skip('nothing to do'),
    },
  })
  await expect(producer.publish('counted', { n: 'one' } as never)).rejects.toThrow()
  await producer.publish('counted', { n: 1 })
  await producer.publish('noted', { text: '' })
  await consumer.reports.until('2 deliveries are settled', (reports) => reports.settled().length === 2)
  const statusOf = (kind: api.SpanKind) =>
    spansOf(kind)
      .map(({ attributes, status }) => `${attributes['cloudevents.event_type']} ${api.SpanStatusCode[status.code]}`)
      .sort()
  expect(statusOf(api.SpanKind.PRODUCER)).toEqual(['counted ERROR', 'counted UNSET', 'noted UNSET'])
  expect(statusOf(api.SpanKind.CONSUMER)).toEqual(['counted ERROR', 'noted UNSET'])
})

test('a batch handler has one span, which links to every publish', async ({ lab }) => {
  const producer = lab.producer({ tracing: { api } })
  const consumer = await lab.consumer({
    tracing: { api, isChild: true },
    handlers: { counted: batch({ maxSize: 3, maxWaitMs: 60_000, handle() {} }) },
  })
  await Promise.all([1, 2, 3].map((n) => producer.publish('counted', { n })))
  await consumer.reports.until('3 events are acknowledged', (reports) => reports.settled('ack').length === 3)
  const [run, ...others] = spansOf(api.SpanKind.CONSUMER)
  expect(others).toEqual([])
  expect(run?.attributes).toMatchObject({ 'messaging.batch.message_count': 3 })
  const sent = spansOf(api.SpanKind.PRODUCER).map((span) => span.spanContext().spanId)
  expect(run?.links.map(({ context }) => context.spanId).sort()).toEqual(sent.sort())
})
