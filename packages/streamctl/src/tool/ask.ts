import { createInterface } from 'node:readline/promises'

/** Asks a question on the terminal. Only "y" and "yes" are a yes. */
export async function ask(question: string, signal: AbortSignal): Promise<boolean> {
  // Standard output may be a pipe.
  const lines = createInterface({ input: process.stdin, output: process.stderr })
  // While it reads, a Ctrl-C comes as a key.
  lines.on('SIGINT', () => process.kill(process.pid, 'SIGINT'))
  const closed = new Promise<string>((resolve) => lines.once('close', () => resolve('')))
  try {
    const answer = await Promise.race([lines.question(`${question} [y/N] `, { signal }), closed])
    return /^y(es)?$/i.test(answer.trim())
  } catch {
    return false
  } finally {
    lines.close()
  }
}
