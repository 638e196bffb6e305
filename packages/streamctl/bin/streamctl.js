#!/usr/bin/env node
// Runs the source where it is, as `npm start` does, so that it works without a build; else what was built.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const source = fileURLToPath(new URL('../src/main.ts', import.meta.url))
if (existsSync(source)) {
  const node = ['--conditions=source', '--import', import.meta.resolve('tsx'), source]
  const child = spawn(process.execPath, [...node, ...process.argv.slice(2)], { stdio: 'inherit' })
  // A Ctrl-C reaches the child by itself. This process waits for it.
  process.on('SIGINT', () => {})
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  child.on('exit', (code) => process.exit(code ?? 1))
} else {
  await import('../dist/main.js')
}
