export { type DeliveryLine, Ledger, type LedgerDelivery, type LedgerLine, readLedger } from './ledger.ts'
export { createLogger } from './logger.ts'
export { runService, untilSignal } from './main.ts'
export {
  logLevel,
  optionalWhole,
  readSettings,
  redisUrl,
  retentionOf,
  SettingsError,
  streamSettings,
  whole,
} from './settings.ts'
