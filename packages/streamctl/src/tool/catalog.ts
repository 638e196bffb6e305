import { existsSync, readFileSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Catalog } from '@redis-streams-processor/streams-core'
import { z } from 'zod'
import { Failure } from './failure.ts'

const targets = z.object({
  source: z.string().optional(),
  import: z.string().optional(),
  default: z.string().optional(),
})
const manifestSchema = z.object({
  exports: z.union([z.string(), z.object({ '.': z.union([z.string(), targets]) })]).optional(),
  main: z.string().optional(),
})

/**
 * The catalog that a module exports under the name `catalog`, or as its default.
 * @param path A file, or the folder of a package.
 * @throws {Failure} when there is none.
 */
export async function loadCatalog(path: string): Promise<Catalog> {
  const file = fileOf(resolve(path))
  const module = await import(pathToFileURL(file).href).catch((error: Error) => {
    throw new Failure('usage', 'CATALOG', `--catalog: ${path} cannot be loaded: ${error.message}`)
  })
  const catalog = module.catalog ?? module.default
  if (isCatalog(catalog)) return catalog
  throw new Failure('usage', 'CATALOG', `--catalog: ${path} exports no catalog: expected event types with zod schemas`)
}

/** In a folder of a package: what the package exports, the source first where it can be run. */
function fileOf(path: string): string {
  if (!existsSync(path)) throw new Failure('usage', 'CATALOG', `--catalog: there is no ${path}`)
  if (!statSync(path).isDirectory()) return path
  const manifest = join(path, 'package.json')
  if (!existsSync(manifest)) throw new Failure('usage', 'CATALOG', `--catalog: there is no package in ${path}`)
  const { exports, main } = manifestSchema.parse(JSON.parse(readFileSync(manifest, 'utf8')))
  const target = typeof exports === 'object' ? exports['.'] : exports
  const isSource = process.execArgv.includes('--conditions=source')
  const named =
    typeof target === 'object' ? ((isSource ? target.source : undefined) ?? target.import ?? target.default) : target
  return join(path, named ?? main ?? 'index.js')
}

function isCatalog(value: unknown): value is Catalog {
  if (typeof value !== 'object' || value === null) return false
  const schemas = Object.values(value)
  return schemas.length > 0 && schemas.every((schema) => typeof schema?.safeParse === 'function')
}
