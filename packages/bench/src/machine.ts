import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { availableParallelism, cpus, release, totalmem, type } from 'node:os'
import { type ContestantName, entrantOf } from './contestants/index.ts'

export interface Machine {
  cpu: string
  cores: number
  memoryGib: number
  kernel: string
}

export function thisMachine(): Machine {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryGib: Math.round(totalmem() / 2 ** 30),
    kernel: `${type()} ${release()}`,
  }
}

/** Version of a package as it is installed here. */
export function versionOf(name: string): string {
  for (const folder of createRequire(import.meta.url).resolve.paths(name) ?? []) {
    try {
      return JSON.parse(readFileSync(`${folder}/${name}/package.json`, 'utf8')).version
    } catch {}
  }
  return 'unknown'
}

/** Package → version, of those that these contestants stand for. */
export function versionsOf(contestants: readonly ContestantName[]): Record<string, string> {
  const peers = contestants.flatMap((name) => entrantOf(name).peer ?? [])
  return Object.fromEntries([...new Set(peers)].map((peer) => [peer, versionOf(peer)]))
}
