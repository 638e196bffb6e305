// For programs that are no services, such as a command line: the settings without what services need besides, which takes
// long to load.

export { redisOf } from './redis-of.ts'
export { readSettings, retentionOf, sharedSettings } from './settings.ts'
export { SettingsError } from './settings-error.ts'
