import { mkdirSync, mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ownFolder } from '@redis-streams-processor/testbed'
import { build, type Plugin } from 'esbuild'

const SRC = fileURLToPath(new URL('.', import.meta.url))
/** Below the package, so that its dependencies are found. */
const DIST = fileURLToPath(new URL('../dist', import.meta.url))

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
    plugins: [bundleOurs],
    logLevel: 'error',
  })
  return join(outdir, 'worker.mjs')
}

/** What `packages` leaves out is taken in where it is this project's own. */
const bundleOurs: Plugin = {
  name: 'ours',
  setup: ({ onResolve }) =>
    onResolve({ filter: /^@redis-streams-processor\// }, ({ path }) => ({
      path: fileURLToPath(import.meta.resolve(path)),
    })),
}
