import { z } from 'zod'
import { messageOf } from '../base/errors.ts'
import { shorten } from './entry.ts'

export type CheckedData = { ok: true; value: unknown } | { ok: false; reason: string; path: readonly PropertyKey[] }

/**
 * Checks what JSON holds against a schema. Never throws, although a schema may run the user's code (refine, transform),
 * which may throw, or may be asynchronous, which is not allowed here.
 */
export function checkData(schema: z.ZodType, json: unknown): CheckedData {
  try {
    const parsed = schema.safeParse(json)
    if (parsed.success) return { ok: true, value: parsed.data }
    return { ok: false, reason: describeIssues(parsed.error), path: parsed.error.issues[0]?.path ?? [] }
  } catch (error) {
    return { ok: false, reason: describeThrown(error), path: [] }
  }
}

function describeThrown(error: unknown): string {
  if (error instanceof z.core.$ZodAsyncError) return 'its schema is asynchronous, and schemas must be synchronous'
  return `its schema threw: ${shorten(messageOf(error))}`
}

function describeIssues(error: z.core.$ZodError): string {
  return error.issues
    .slice(0, 5)
    .map((issue) => `data${issue.path.length ? `.${z.core.toDotPath(issue.path)}` : ''}: ${describeIssue(issue)}`)
    .join('; ')
}

// Names of keys that the schema does not know come from the data, and data is never told.
function describeIssue(issue: z.core.$ZodIssue): string {
  return issue.code === 'unrecognized_keys' ? `unrecognized keys: ${issue.keys.length}` : shorten(issue.message)
}
