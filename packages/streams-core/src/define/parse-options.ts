import { z } from 'zod'
import { InvalidOptionError } from '../base/errors.ts'
import type { Limits } from './limits.ts'

/** A whole number within its limits; the default where none is given. */
export const whole = ({ min, max, default: fallback }: Limits) => z.int().min(min).max(max).default(fallback)

/**
 * Parses options once, before anything is started. A bad value is never corrected.
 * @throws {InvalidOptionError} naming option, range and value.
 */
export function parseOptions<S extends z.ZodType>(where: string, schema: S, input: unknown): z.output<S> {
  const parsed = schema.safeParse(input)
  if (parsed.success) return Object.freeze(parsed.data) as z.output<S>
  const problems = flatten(parsed.error.issues).map((issue) => {
    const given = issue.path.reduce<unknown>((value, key) => (value as Record<PropertyKey, unknown>)?.[key], input)
    return `${issue.path.join('.') || 'options'}: ${issue.message} (got ${show(given)})`
  })
  throw new InvalidOptionError(`${where}: ${problems.join('; ')}`)
}

// A union reports one nested list per member; the member that came closest says what is wrong.
function flatten(issues: z.core.$ZodIssue[]): z.core.$ZodIssue[] {
  return issues.flatMap((issue) => {
    if (issue.code !== 'invalid_union' || issue.errors.length === 0) return [issue]
    const closest = [...issue.errors].sort((a, b) => a.length - b.length)[0] ?? []
    return flatten(closest).map((inner) => ({ ...inner, path: [...issue.path, ...inner.path] }))
  })
}

function show(value: unknown): string {
  return typeof value === 'function' ? 'a function' : (JSON.stringify(value) ?? String(value))
}
