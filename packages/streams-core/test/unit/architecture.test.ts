import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

const SRC = fileURLToPath(new URL('../../src', import.meta.url))
const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.ts'))

/** The rooms from the ground up: each may import from itself and from those before it. */
const ROOMS = ['base', 'define', 'broker', 'tell', 'publish', 'consume', 'operate', '']
/** Rooms of one floor, which know nothing of each other. */
const NEIGHBOURS = ['publish', 'consume', 'operate']
/** The same within `consume`; its top floor is the folder itself. */
const CONSUME_ROOMS = ['delivery', 'controls', 'run', 'slots', 'settle', 'pipeline', 'intake', 'upkeep', '']

const folderOf = (path: string, within: string) => {
  const parts = relative(within, join(SRC, path)).split('/')
  return parts.length > 1 ? (parts[0] as string) : ''
}

const imports = files.flatMap((from) => {
  const text = readFileSync(join(SRC, from), 'utf8')
  return [...text.matchAll(/from '(\.[^']+)'/g)].map((match) => ({
    from,
    to: relative(SRC, join(SRC, dirname(from), match[1] as string)),
  }))
})

describe('the library', () => {
  test('no import runs back up', () => {
    const upward = imports.filter(({ from, to }) => {
      const [a, b] = [folderOf(from, SRC), folderOf(to, SRC)]
      return ROOMS.indexOf(b) > ROOMS.indexOf(a) || (a !== b && NEIGHBOURS.includes(a) && NEIGHBOURS.includes(b))
    })
    expect(upward).toEqual([])
    expect(imports.length).toBeGreaterThan(100)
    expect(files.map((path) => folderOf(path, SRC)).filter((room) => !ROOMS.includes(room))).toEqual([])
  })

  test('no import within consume runs back up', () => {
    const within = join(SRC, 'consume')
    const inside = imports.filter(({ from, to }) => from.startsWith('consume/') && to.startsWith('consume/'))
    const upward = inside.filter(
      ({ from, to }) => CONSUME_ROOMS.indexOf(folderOf(to, within)) > CONSUME_ROOMS.indexOf(folderOf(from, within)),
    )
    expect(upward).toEqual([])
    expect(inside.length).toBeGreaterThan(20)
    const rooms = files.filter((path) => path.startsWith('consume/')).map((path) => folderOf(path, within))
    expect(rooms.filter((room) => !CONSUME_ROOMS.includes(room))).toEqual([])
  })

  test('what runs needs no package but those that are installed with it', () => {
    const { dependencies } = JSON.parse(readFileSync(join(SRC, '../package.json'), 'utf8'))
    const packages = files.flatMap((path) => {
      const text = readFileSync(join(SRC, path), 'utf8')
      // What has the word `type` behind its first word is gone once it is compiled.
      const statements = text.matchAll(/^(?:import|export) (?!type )(?:[^';]*? from )?'([^.'][^']*)'/gm)
      const calls = text.matchAll(/(?<!typeof )\bimport\('([^.'][^']*)'\)/g)
      return [...statements, ...calls].map(([, name]) => name)
    })
    const others = packages.filter((name) => !name?.startsWith('node:'))
    expect([...new Set(others)].sort()).toEqual(Object.keys(dependencies).sort())
  })

  test('only the broker speaks Redis', () => {
    const speakers = files.filter((path) =>
      /sendCommand|createClient|redis\.call/.test(readFileSync(join(SRC, path), 'utf8')),
    )
    expect(speakers.filter((path) => !path.startsWith('broker/'))).toEqual([])
  })

  test('no file has more than 200 lines', () => {
    const lines = (path: string) => readFileSync(join(SRC, path), 'utf8').split('\n').length - 1
    expect(files.filter((path) => lines(path) > 200)).toEqual([])
  })
})
