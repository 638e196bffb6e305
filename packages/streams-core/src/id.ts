// Entry ids are `<ms>-<seq>`, two unsigned 64-bit numbers (Redis Streams, "Entry IDs").
const MAX_SEQ = 18446744073709551615n

function parse(id: string): [bigint, bigint] {
  const [ms = '0', seq = '0'] = id.split('-')
  return [BigInt(ms), BigInt(seq)]
}

/** Milliseconds since the epoch at which the server appended the entry. */
export function timeOf(id: string): number {
  return Number(parse(id)[0])
}

/** Negative, zero or positive, as for `Array.prototype.sort`. */
export function compareIds(a: string, b: string): number {
  const [aMs, aSeq] = parse(a)
  const [bMs, bSeq] = parse(b)
  return aMs === bMs ? Number(aSeq - bSeq) : aMs < bMs ? -1 : 1
}

/** The greatest id below `id`: reading "after" it starts with `id` itself. */
export function idBefore(id: string): string {
  const [ms, seq] = parse(id)
  if (seq > 0n) return `${ms}-${seq - 1n}`
  return ms > 0n ? `${ms - 1n}-${MAX_SEQ}` : '0-0'
}
