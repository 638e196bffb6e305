import type { Connection } from './connection.ts'

export type Info = Record<string, string | number | null>

/** Sends XINFO GROUPS or XINFO CONSUMERS; one object of fields by name for each. */
export async function infosOf(connection: Connection, command: readonly string[]): Promise<Info[]> {
  const replies = await connection.send<(string | number | null)[][]>(command)
  return replies.map((flat) => {
    const info: Info = {}
    for (let i = 0; i + 1 < flat.length; i += 2) info[String(flat[i])] = flat[i + 1] as string | number | null
    return info
  })
}
