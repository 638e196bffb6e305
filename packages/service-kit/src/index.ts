export {
  type DeliveryLine,
  LEDGER_FAILED,
  Ledger,
  type LedgerDelivery,
  type LedgerLine,
  readLedger,
} from './ledger.ts'
export { createLogger } from './logger.ts'
export { redisOf } from './redis-of.ts'
export { runService, stopSignal } from './run-service.ts'
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
