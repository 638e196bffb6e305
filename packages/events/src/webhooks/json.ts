/** What stands at this place in JSON; undefined where there is nothing. Never throws, whatever the JSON is. */
export function at(json: unknown, ...path: readonly string[]): unknown {
  let value = json
  for (const name of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined
    value = (value as Record<string, unknown>)[name]
  }
  return value
}

/** As `at`, where a text stands there. */
export function textAt(json: unknown, ...path: readonly string[]): string | undefined {
  const value = at(json, ...path)
  return typeof value === 'string' ? value : undefined
}
