import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const PAGE = fileURLToPath(new URL('../page', import.meta.url))
const { resolve } = createRequire(import.meta.url)

const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
}

/** Files of packages that the page loads, by the path under which it loads them. */
const VENDOR: Record<string, () => string> = {
  '/vendor/preact.js': () => join(dirname(resolve('htm/preact')), 'standalone.module.js'),
  '/vendor/uplot.js': () => join(dirname(resolve('uplot')), 'uPlot.esm.js'),
  '/vendor/uplot.css': () => join(dirname(resolve('uplot')), 'uPlot.min.css'),
}

export interface PageFile {
  path: string
  type: string
  content: Buffer
}

/** Everything that a browser loads; read once, so that nobody can ask for another file. */
export function readPageFiles(): PageFile[] {
  const own = readdirSync(PAGE).map((name) => ({
    path: name === 'index.html' ? '/' : `/${name}`,
    file: join(PAGE, name),
  }))
  const vendor = Object.entries(VENDOR).map(([path, find]) => ({ path, file: find() }))
  return [...own, ...vendor].map(({ path, file }) => {
    const type = TYPES[extname(file)]
    if (type === undefined) throw new Error(`no media type for ${file}`)
    return { path, type, content: readFileSync(file) }
  })
}
