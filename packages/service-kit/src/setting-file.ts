import { readFileSync } from 'node:fs'
import { SettingsError } from './settings-error.ts'

/**
 * What the file holds that a setting names.
 * @throws {SettingsError} when it cannot be read.
 */
export function readSettingFile(setting: string, path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new SettingsError(`${setting}: expected a file that can be read, got ${(error as Error).message}`)
  }
}
