import * as api from '@opentelemetry/api'
import type { Logger } from '@redis-streams-processor/streams-core'

export interface TracingOption {
  api: typeof api
}

/**
 * The option `tracing` of a producer or a consumer. Spans cost time, so they are made only for somebody who exports them:
 * an SDK that was set up before the service, by `--import`.
 */
export function tracingOf(logger: Logger): TracingOption | undefined {
  const provider = api.trace.getTracerProvider()
  // What stands here until a provider is registered.
  const isMissing = provider instanceof api.ProxyTracerProvider && provider.getDelegateTracer('any') === undefined
  if (isMissing) return undefined
  logger.info({}, 'an OpenTelemetry SDK is set up: spans are made')
  return { api }
}
