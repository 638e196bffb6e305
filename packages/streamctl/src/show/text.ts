import stringWidth from 'string-width'

// Names, ids and errors come from anybody: what would move the cursor, colour the terminal or turn the line around is
// shown as its code.
const UNPRINTABLE = /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/gu

/** A text that a terminal shows as it is, on one line. */
export function clean(text: string): string {
  return text.replace(UNPRINTABLE, (one) => `\\u{${(one.codePointAt(0) ?? 0).toString(16)}}`)
}

/** How many columns a terminal takes for it. */
export const widthOf = (text: string): number => stringWidth(text)

const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' })

/** The longest beginning that fits. */
function headOf(text: string, width: number): string {
  let head = ''
  let used = 0
  for (const { segment } of graphemes.segment(text)) {
    used += widthOf(segment)
    if (used > width) break
    head += segment
  }
  return head
}

/** The text, or its beginning and "…". */
export function cut(text: string, width: number): string {
  return widthOf(text) <= width ? text : `${headOf(text, Math.max(0, width - 1))}…`
}

export const padEnd = (text: string, width: number) => text + ' '.repeat(Math.max(0, width - widthOf(text)))
export const padStart = (text: string, width: number) => ' '.repeat(Math.max(0, width - widthOf(text))) + text

/** Lines of at most `width` columns; all but the first are indented. A word that is too long is divided. */
export function wrap(text: string, width: number, indent = 0): string[] {
  const lines: string[] = []
  let line = ''
  const room = () => Math.max(8, width - (lines.length > 0 ? indent : 0))
  const push = (done: string) => lines.push(lines.length > 0 ? ' '.repeat(indent) + done : done)
  // Spaces in front belong to the first word.
  for (const [, word = ''] of clean(text).matchAll(/((?:^ +)?[^ ]*)(?: |$)/g)) {
    if (line !== '' && widthOf(line) + 1 + widthOf(word) > room()) {
      push(line)
      line = ''
    }
    line = line === '' ? word : `${line} ${word}`
    while (widthOf(line) > room()) {
      const head = headOf(line, room())
      push(head)
      line = line.slice(head.length)
    }
  }
  if (line !== '' || lines.length === 0) push(line)
  return lines.map((one) => one.trimEnd())
}
