interface Schema {
  type?: string
  const?: unknown
  enum?: unknown[]
  items?: Schema
  properties?: Record<string, Schema>
  required?: string[]
  oneOf?: Schema[]
  anyOf?: Schema[]
}

/** A JSON schema in the words of TypeScript. */
export function typeText(given: unknown, indent = ''): string {
  const schema = given as Schema
  const members = schema.oneOf ?? schema.anyOf
  if (members) return members.map((member) => `\n${indent}  | ${typeText(member, `${indent}    `)}`).join('')
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value).replaceAll('"', "'")).join(' | ')
  if (schema.const !== undefined) return JSON.stringify(schema.const).replaceAll('"', "'")
  if (schema.items) {
    const item = typeText(schema.items, indent)
    return / \| /.test(item) && !item.startsWith('{') ? `(${item})[]` : `${item}[]`
  }
  if (!schema.properties) return schema.type === 'integer' ? 'number' : (schema.type ?? 'unknown')
  const lines = Object.entries(schema.properties).map(([name, value]) => {
    const mark = schema.required?.includes(name) ? '' : '?'
    return `${name}${mark}: ${typeText(value, `${indent}  `)}`
  })
  const short = `{ ${lines.join(', ')} }`
  if (!short.includes('\n') && indent.length + short.length <= 80) return short
  return `{\n${lines.map((line) => `${indent}  ${line}`).join('\n')}\n${indent}}`
}
