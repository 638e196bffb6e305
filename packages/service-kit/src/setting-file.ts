import { readFileSync } from 'node:fs'
import { SettingsError } from './settings-error.ts'

/**
 * Why a file cannot be read: `ENOENT: no such file or directory`. Without its path, because somebody may have given the
 * secret itself in place of a path.
 */
export const causeOf = (error: unknown): string => (error as Error).message.split(', ', 1)[0] ?? ''

/**
 * What the file holds that a setting names.
 * @throws {SettingsError} when it cannot be read.
 */
export function readSettingFile(setting: string, path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new SettingsError(`${setting}: expected a file that can be read, got ${causeOf(error)}`)
  }
}
