import { readFileSync } from 'node:fs'
import type { z } from 'zod'
import { SettingsError } from './settings-error.ts'

/** Where a schema of settings says what is wrong. */
export type Problems = Pick<z.RefinementCtx, 'addIssue'>

/** @param given What was given, in words: the value itself may be a secret. */
export function complain(problems: Problems, expected: string, given: string): void {
  problems.addIssue({ code: 'custom', message: expected, params: { given } })
}

/** What the file of a setting holds; undefined, and a complaint, when it cannot be read. */
export function textIn(path: string, problems: Problems): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    complain(problems, 'a file that can be read', causeOf(error))
    return undefined
  }
}

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
