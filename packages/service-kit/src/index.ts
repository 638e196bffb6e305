export {
  type DeliveryLine,
  LEDGER_FAILED,
  Ledger,
  type LedgerDelivery,
  type LedgerLine,
  readLedger,
} from './ledger.ts'
export { createLogger } from './logger.ts'
export { runService, stopSignal } from './run-service.ts'
export { optionalWhole, readSettings, retentionOf, SettingsError, sharedSettings, whole } from './settings.ts'
