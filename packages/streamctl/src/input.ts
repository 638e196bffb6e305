import type { StartPoint } from '@redis-streams-processor/streams-core'
import { InvalidArgumentError } from 'commander'

// What people type, as values. Each throws what commander tells.

const UNITS: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, min: 60_000, h: 3_600_000, d: 86_400_000 }

/** "90s", "10m", "2h", "7d" → milliseconds. */
export function duration(text: string): number {
  const [, value = '', unit = ''] = /^(\d+(?:\.\d+)?)\s*(ms|s|m|min|h|d)$/.exec(text) ?? []
  if (value === '') throw new InvalidArgumentError('Expected a time span such as 90s, 10m, 2h or 7d.')
  return Math.round(Number(value) * (UNITS[unit] ?? 1))
}

/** "beginning", "end", "10m" (ago), a time in RFC 3339, or an entry id. */
export function startPoint(text: string): StartPoint {
  if (text === 'beginning' || text === 'end') return text
  if (/^\d{1,20}-\d{1,20}$/.test(text)) return { entryId: text }
  if (/^\d{4}-\d\d-\d\d(T.*)?$/.test(text)) {
    const time = new Date(text)
    if (!Number.isNaN(time.getTime())) return { time }
  } else if (/^\d/.test(text)) {
    return { agoMs: duration(text) }
  }
  throw new InvalidArgumentError('Expected beginning, end, a time span ago such as 10m, a time, or an entry id.')
}

export const whole =
  (min: number, max: number) =>
  (text: string): number => {
    const value = Number(text)
    if (/^\d+$/.test(text) && value >= min && value <= max) return value
    throw new InvalidArgumentError(`Expected a whole number from ${min} to ${max}.`)
  }

/** A number above 0. */
export function rate(text: string): number {
  const value = Number(text)
  if (/^\d+(\.\d+)?$/.test(text) && value > 0) return value
  throw new InvalidArgumentError('Expected a number above 0, e.g. 50 or 0.5.')
}

/** For an option that may be given more than once. */
export const collect = (text: string, before: readonly string[] = []): string[] => [...before, text]
