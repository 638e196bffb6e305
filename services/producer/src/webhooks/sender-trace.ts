import type { IncomingHttpHeaders } from 'node:http'
import type { TracingOption } from '@redis-streams-processor/service-kit'

/** W3C Trace Context, version 00: https://www.w3.org/TR/trace-context/ */
const TRACEPARENT = /^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/
const TRACESTATE = /^[\x20-\x7e]{1,512}$/

/** The trace that a sender says its webhook belongs to, as an event carries it. What is no trace is left out. */
export function traceOf({ traceparent, tracestate }: IncomingHttpHeaders): {
  traceparent?: string
  tracestate?: string
} {
  if (typeof traceparent !== 'string' || !TRACEPARENT.test(traceparent)) return {}
  return typeof tracestate === 'string' && TRACESTATE.test(tracestate) ? { traceparent, tracestate } : { traceparent }
}

/** Lets spans belong to the trace of the sender, unless one is active: an instrumentation of HTTP has made it, then. */
export function inTraceOf<T>({ api }: TracingOption, headers: IncomingHttpHeaders, run: () => T): T {
  const active = api.context.active()
  if (api.trace.getSpan(active) !== undefined) return run()
  return api.context.with(api.propagation.extract(active, traceOf(headers)), run)
}
