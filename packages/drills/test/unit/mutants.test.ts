import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { CORE, mutants } from '../../src/mutants.ts'

const ROOT = fileURLToPath(new URL('../../../../', import.meta.url))
const edits = Object.entries(mutants).flatMap(([name, { edits }]) => edits.map((edit) => [name, ...edit] as const))

test.each(edits)('%s: %s holds this text exactly once: %s', (_, file, from) => {
  const source = readFileSync(`${ROOT}${CORE}/${file}`, 'utf8')
  expect(source.split(from).length - 1).toBe(1)
})
