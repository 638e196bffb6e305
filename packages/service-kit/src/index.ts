export { type DeliveryLine, Ledger, type LedgerDelivery, type LedgerLine, readLedger } from './ledger.ts'
export { createLogger } from './logger.ts'
export { runService, untilSignal } from './main.ts'
export { optionalWhole, readSettings, retentionOf, SettingsError, sharedSettings, whole } from './settings.ts'
