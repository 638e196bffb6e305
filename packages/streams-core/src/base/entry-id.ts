const MAX = 2n ** 64n - 1n

// Entry ids are `<ms>-<seq>`, two unsigned 64-bit numbers (Redis Streams, "Entry IDs").
function parse(id: string): [bigint, bigint] {
  const [ms = '0', seq = '0'] = id.split('-')
  return [BigInt(ms), BigInt(seq)]
}

/** Whether Redis takes a text for an entry id with both of its numbers. */
export function isEntryId(text: string): boolean {
  return /^\d{1,20}-\d{1,20}$/.test(text) && parse(text).every((number) => number <= MAX)
}

/** When the server appended the entry, in milliseconds since the epoch. */
export function timeOf(id: string): number {
  return Number(id.split('-', 1)[0])
}

/** RFC 3339; undefined where an id, which anybody may have chosen, names a time beyond the calendar. */
export function isoTimeOf(id: string): string | undefined {
  const time = new Date(timeOf(id))
  return Number.isNaN(time.getTime()) ? undefined : time.toISOString()
}

/** Negative, zero or positive, as for `Array.prototype.sort`. */
export function compareIds(a: string, b: string): number {
  const [aMs, aSeq] = parse(a)
  const [bMs, bSeq] = parse(b)
  return aMs === bMs ? Number(aSeq - bSeq) : aMs < bMs ? -1 : 1
}

/** The greatest id below another one; `0-0` stays as it is. */
export function idBefore(id: string): string {
  const [ms, seq] = parse(id)
  if (seq > 0n) return `${ms}-${seq - 1n}`
  return ms === 0n ? '0-0' : `${ms - 1n}-${MAX}`
}
