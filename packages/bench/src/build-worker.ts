import { mkdirSync, mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ownFolder } from '@redis-streams-processor/testbed'
import { build } from 'esbuild'

const SRC = fileURLToPath(new URL('.', import.meta.url))
/** Below the package, so that its dependencies are found. */
const DIST = fileURLToPath(new URL('../dist', import.meta.url))
const OURS = ['events', 'streams-core'].map((name) => `@redis-streams-processor/${name}`)

/**
 * Makes plain JavaScript of the worker, and returns its path: a loader of TypeScript would count in its memory and its
 * start. Each contestant is a file of its own, so a worker loads no client but its own.
 */
export async function buildWorker(): Promise<string> {
  mkdirSync(DIST, { recursive: true })
  const outdir = ownFolder(mkdtempSync(join(DIST, 'worker-')))
  await build({
    entryPoints: [join(SRC, 'worker.ts')],
    outdir,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    packages: 'external',
    alias: Object.fromEntries(OURS.map((name) => [name, fileURLToPath(import.meta.resolve(name))])),
    logLevel: 'error',
  })
  return join(outdir, 'worker.mjs')
}
