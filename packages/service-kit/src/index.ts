export {
  type DeliveryLine,
  LEDGER_FAILED,
  Ledger,
  type LedgerDelivery,
  type LedgerLine,
  readLedger,
} from './ledger.ts'
export { createLogger } from './logger.ts'
export { newConsumerMetrics } from './metrics/consumer-metrics.ts'
export { newProducerMetrics } from './metrics/producer-metrics.ts'
export { newRegistry } from './metrics/registry.ts'
export { exportStreamFigures, type FiguresOptions } from './metrics/stream-figures.ts'
export { newWebhookMetrics, type WebhookLabels, type WebhookMetrics } from './metrics/webhook-metrics.ts'
export { type OpsOptions, type OpsServer, startOpsServer } from './ops-server.ts'
export { redisOf } from './redis-of.ts'
export { runService, stopSignal } from './run-service.ts'
export { complain, type Problems, textIn } from './setting-file.ts'
export { isSetting, settingNames } from './setting-names.ts'
export {
  optionalWhole,
  parseSettings,
  readSettings,
  retentionOf,
  type SettingsSources,
  sharedSettings,
  whole,
} from './settings.ts'
export { SettingsError } from './settings-error.ts'
export { type TracingOption, tracingOf } from './tracing.ts'
