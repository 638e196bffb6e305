import { wrap } from './text.ts'

/**
 * Below a table: what failed, and why. Of errors that are alike, the first one is told.
 * @param verb What became of it: `failed` or `died`.
 */
export function errorLines(
  rows: readonly { id: string; error: string | undefined }[],
  verb: string,
  width: number,
): string[] {
  const firstIds = new Map<string, string>()
  for (const { id, error } of rows) if (error !== undefined && !firstIds.has(error)) firstIds.set(error, id)
  return [...firstIds].flatMap(([error, id]) => wrap(`${id} ${verb}: ${error}`, width, 2))
}
