import { NoServerError } from '@redis-streams-processor/testbed'
import type { ServerKind } from './contestant.ts'
import { type ContestantName, entrantOf } from './contestants/index.ts'
import type { Results } from './results.ts'
import { startServer } from './servers/index.ts'

export type Entry = Pick<Results, 'settings' | 'leftOut' | 'versions'>

/**
 * Who can take part: those whose client is installed, and whose server can be started here.
 * @throws {NoServerError} without a Redis: then nothing can be compared.
 */
export async function enter(contestants: readonly ContestantName[]): Promise<Entry> {
  const entry: Entry & {
    settings: Record<string, string>
    leftOut: Record<string, string>
    versions: Record<string, string>
  } = {
    settings: {},
    leftOut: {},
    versions: {},
  }
  const problems = new Map<ServerKind, Promise<string | undefined>>()
  for (const name of contestants) {
    const { server, load } = entrantOf(name)
    const problem = problems.get(server) ?? tryServer(server, entry.versions)
    problems.set(server, problem)
    try {
      const { contestant } = await load()
      const why = await problem
      if (why === undefined) entry.settings[name] = contestant.settings
      else entry.leftOut[name] = why
    } catch (error) {
      if (error instanceof NoServerError) throw error
      entry.leftOut[name] = (error as Error).message
    }
  }
  return entry
}

/** Starts one and stops it again; notes its version. Resolves to why it cannot be started, if it cannot. */
async function tryServer(kind: ServerKind, versions: Record<string, string>): Promise<string | undefined> {
  try {
    const server = await startServer[kind]()
    versions[server.program] = server.version
    await server.stop()
    return undefined
  } catch (error) {
    if (error instanceof NoServerError) throw error
    return (error as Error).message
  }
}
