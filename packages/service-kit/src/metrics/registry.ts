import { collectDefaultMetrics, Registry } from 'prom-client'

/** Where the metrics of this process are kept: those of Node itself, and what is added. */
export function newRegistry(): Registry {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  return registry
}
