import { NoServerError } from '@redis-streams-processor/testbed'
import { Arena } from './arena.ts'
import type { ContestantName } from './contestants/index.ts'
import type { Results } from './results.ts'

export type Entry = Pick<Results, 'settings' | 'leftOut' | 'versions'>

/**
 * Who can take part: those whose client is installed, and whose server can be started here.
 * @throws {NoServerError} without a Redis: then nothing can be compared.
 */
export async function enter(contestants: readonly ContestantName[], program: string): Promise<Entry> {
  const settings: Partial<Record<ContestantName, string>> = {}
  const leftOut: Partial<Record<ContestantName, string>> = {}
  const versions: Record<string, string> = {}
  for (const name of contestants) {
    try {
      const arena = await Arena.open(name, program)
      try {
        settings[name] = (await arena.start()).settings
        versions[arena.server.program] = arena.server.version
      } finally {
        await arena.close()
      }
    } catch (error) {
      if (error instanceof NoServerError) throw error
      leftOut[name] = firstLines((error as Error).message)
    }
  }
  return { settings, leftOut, versions }
}

/** Enough of a message that may hold the whole output of a program. */
const firstLines = (text: string) => text.replaceAll(/\s+/g, ' ').slice(0, 200)
