import type { Lab } from './lab.ts'

/** What Redis is asked in a second, over a few seconds: commands, those inside scripts among them, and connections. */
export async function asked(lab: Lab): Promise<{ commands: number; connections: number }> {
  const count = async (what: string) => Number(new RegExp(`${what}:(\\d+)`).exec(await lab.send('INFO', 'stats'))?.[1])
  const counts = () => Promise.all([count('total_commands_processed'), count('total_connections_received')])
  const [before, startedAt] = [await counts(), Date.now()]
  await new Promise((resolve) => setTimeout(resolve, 3_000))
  const [after, seconds] = [await counts(), (Date.now() - startedAt) / 1_000]
  return { commands: (after[0] - before[0]) / seconds, connections: (after[1] - before[1]) / seconds }
}
