import { Arena } from './arena.ts'
import type { ContestantName } from './contestants/index.ts'
import type { Results } from './results.ts'
import { NoProgramError } from './servers/program.ts'

export type Entry = Pick<Results, 'settings' | 'leftOut' | 'versions'>

/**
 * Who can take part: those whose server is on this machine.
 * @throws {NoServerError} without a Redis: then nothing can be compared.
 * @throws whatever else goes wrong: a contestant that breaks must not be left out unnoticed.
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
      if (!(error instanceof NoProgramError)) throw error
      leftOut[name] = error.message
    }
  }
  return { settings, leftOut, versions }
}
