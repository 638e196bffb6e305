import type { Connection } from './connection.ts'

export type Info = Record<string, string | number | null>

type Flat = (string | number | null)[]

/** Sends XINFO GROUPS or XINFO CONSUMERS; one object of fields by name for each. */
export async function infosOf(connection: Connection, command: readonly string[]): Promise<Info[]> {
  return (await connection.send<Flat[]>(command)).map(infoOf)
}

/** A reply of XINFO, by field name. */
export function infoOf(flat: Flat): Info {
  const info: Info = {}
  for (let i = 0; i + 1 < flat.length; i += 2) info[String(flat[i])] = flat[i + 1] as Flat[number]
  return info
}
