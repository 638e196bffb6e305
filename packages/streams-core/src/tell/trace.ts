import type { Attributes, Context, Span } from '@opentelemetry/api'
import { messageOf } from '../base/errors.ts'
import type { StreamEvent } from '../define/stream.ts'
import { resultOfThrown } from '../define/verbs.ts'

/** What `import * as api from '@opentelemetry/api'` gives. */
export type OpenTelemetryApi = typeof import('@opentelemetry/api')

/** The attributes of an event in which its trace travels: W3C Trace Context. */
export interface TraceAttributes {
  traceparent?: string
  tracestate?: string
}

const NAME = '@redis-streams-processor/streams-core'

/** Makes a span of each publish, and of each run of a handler. */
export class Tracing {
  readonly #api: OpenTelemetryApi
  readonly #stream: string

  constructor(api: OpenTelemetryApi, stream: string) {
    this.#api = api
    this.#stream = stream
  }

  /** Begins the span of a publish. The event is to carry `attributes`. */
  startPublish(eventId: string, eventType: string): { attributes: TraceAttributes; end(error?: unknown): void } {
    const { context, propagation, SpanKind, trace } = this.#api
    const span = trace.getTracer(NAME).startSpan(`send ${this.#stream}`, {
      kind: SpanKind.PRODUCER,
      attributes: { ...this.#attributesOf('send'), ...attributesOfEvent(eventId, eventType) },
    })
    const attributes: TraceAttributes = {}
    propagation.inject(trace.setSpan(context.active(), span), attributes)
    return { attributes, end: (error) => this.#end(span, error) }
  }

  /**
   * Runs a handler in a span that links to the spans in which its events were published.
   * @param options.isChild The span of the publish is the parent instead, if there is one event.
   */
  async process<T>(
    events: readonly StreamEvent[],
    { group, isChild }: { group: string; isChild: boolean },
    run: () => T,
  ): Promise<Awaited<T>> {
    const { context, SpanKind, trace, ROOT_CONTEXT } = this.#api
    const sent = events.map((event) => this.#contextOf(event))
    const spanContexts = sent.map((one) => trace.getSpanContext(one)).filter((one) => one !== undefined)
    const [event, ...others] = events
    const isOne = event !== undefined && others.length === 0
    const parent = (isChild && isOne && sent[0]) || ROOT_CONTEXT
    const span = trace.getTracer(NAME).startSpan(
      `process ${this.#stream}`,
      {
        kind: SpanKind.CONSUMER,
        links: parent === ROOT_CONTEXT ? spanContexts.map((one) => ({ context: one })) : [],
        attributes: {
          ...this.#attributesOf('process'),
          'messaging.consumer.group.name': group,
          ...(isOne ? attributesOfEvent(event.id, event.type) : { 'messaging.batch.message_count': events.length }),
        },
      },
      parent,
    )
    try {
      const result = await context.with(trace.setSpan(parent, span), run)
      this.#end(span)
      return result
    } catch (error) {
      // `skip` is no error.
      this.#end(span, resultOfThrown(error).result === 'skipped' ? undefined : error)
      throw error
    }
  }

  #contextOf({ traceparent, tracestate }: TraceAttributes): Context {
    const { propagation, ROOT_CONTEXT } = this.#api
    return propagation.extract(ROOT_CONTEXT, { traceparent, tracestate })
  }

  #end(span: Span, error?: unknown): void {
    if (error !== undefined) span.setStatus({ code: this.#api.SpanStatusCode.ERROR, message: messageOf(error) })
    span.end()
  }

  #attributesOf(operation: 'send' | 'process'): Attributes {
    return {
      'messaging.system': 'redis',
      'messaging.destination.name': this.#stream,
      'messaging.operation.name': operation,
      'messaging.operation.type': operation,
    }
  }
}

const attributesOfEvent = (id: string, type: string): Attributes => ({
  'messaging.message.id': id,
  'cloudevents.event_id': id,
  'cloudevents.event_type': type,
})

/** Runs a handler, in a span if that is wished. */
export type HandlerTrace = <T>(events: readonly StreamEvent[], run: () => T) => Promise<Awaited<T>>

export function newHandlerTrace(api: OpenTelemetryApi, stream: string, group: string, isChild = false): HandlerTrace {
  const tracing = new Tracing(api, stream)
  return (events, run) => tracing.process(events, { group, isChild }, run)
}
