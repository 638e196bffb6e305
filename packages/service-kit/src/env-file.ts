import { lstatSync, readFileSync } from 'node:fs'
import { parse } from 'dotenv'
import { SettingsError } from './settings-error.ts'

export interface EnvFile {
  values: Record<string, string>
  /** Numbers of the lines that are neither a variable, nor a part of one, nor a comment. */
  strangeLines: number[]
}

/**
 * Reads a file of variables, such as `.env`; undefined where there is none.
 * @throws {SettingsError} when the file is there and cannot be read: nothing should run with half of its settings.
 */
export function readEnvFile(path: string): EnvFile | undefined {
  const bytes = readIfPresent(path)
  if (!bytes) return undefined
  const text = decode(path, bytes)
  const values = parse(text)
  const longValues = Object.values(values).filter((value) => value.includes('\n'))
  const isUnderstood = (line: string) => {
    // The last line of a value that goes over several lines ends with a quotation mark.
    const part = line.trim().replace(/["'`]$/, '')
    return (
      /^(#|$)/.test(part) || Object.keys(parse(line)).length > 0 || longValues.some((value) => value.includes(part))
    )
  }
  const strangeLines = text.split('\n').flatMap((line, n) => (isUnderstood(line) ? [] : [n + 1]))
  return { values, strangeLines }
}

function readIfPresent(path: string): Buffer | undefined {
  try {
    return readFileSync(path)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const isLink = lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() ?? false
    if (code === 'ENOENT' && !isLink) return undefined
    const givens: Record<string, string> = { ENOENT: 'a link that leads nowhere', EISDIR: 'a folder' }
    const given = givens[code ?? ''] ?? message
    throw new SettingsError(`${path}: expected a file that can be read, got ${given}`)
  }
}

function decode(path: string, bytes: Buffer): string {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    if (!text.includes('\0')) return text
  } catch {
    // Told below.
  }
  throw new SettingsError(`${path}: expected text in UTF-8, got another encoding, e.g. UTF-16`)
}
