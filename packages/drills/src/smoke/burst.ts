import type { Stack } from './stack.ts'

/** The producer service publishes so many events at once: the first one is poison, and sent twice. */
export async function publishBurst(stack: Stack, events: number): Promise<void> {
  const settings = [`BURST=${events}`, 'FAILING=1', 'DUPLICATES=1'].flatMap((setting) => ['--env', setting])
  await stack.compose('run', '--rm', '--no-deps', '--no-TTY', ...settings, 'producer')
}
