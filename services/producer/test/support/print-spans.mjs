// Loaded by `--import` before a service: sets up an OpenTelemetry SDK, and prints each span as a line of JSON.
import { NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node'

function print(span) {
  const { traceId, spanId } = span.spanContext()
  const { name, kind, parentSpanContext, links } = span
  const linked = links.map(({ context }) => context.spanId)
  const parentSpanId = parentSpanContext?.spanId
  console.log(JSON.stringify({ msg: 'span', name, kind, traceId, spanId, parentSpanId, linked }))
}
const exporter = {
  export(spans, done) {
    spans.forEach(print)
    done({ code: 0 })
  },
  async shutdown() {},
}
new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }).register()
