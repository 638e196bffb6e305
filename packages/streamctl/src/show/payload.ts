import { wrap } from './text.ts'

/** The fields of an entry, one after another; data in JSON is set out over several lines. */
export function payloadLines(fields: readonly string[], width: number): string[] {
  const lines: string[] = []
  for (let i = 0; i + 1 < fields.length; i += 2) {
    const [name = '', value = ''] = [fields[i], fields[i + 1]]
    const [first = '', ...rest] = (name === 'data' ? setOut(value) : value).split('\n')
    lines.push(`  ${name}: ${first}`, ...rest.map((line) => `  ${line}`))
  }
  return lines.flatMap((line) => {
    const indent = Math.min(40, line.length - line.trimStart().length)
    return wrap(line.trimStart(), width - indent, 2).map((part) => ' '.repeat(indent) + part)
  })
}

function setOut(data: string): string {
  try {
    return JSON.stringify(JSON.parse(data), undefined, 2)
  } catch {
    return data
  }
}
