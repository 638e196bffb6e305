import type { ServerInfo } from '../broker/server.ts'
import type { Tell } from './report.ts'

/** To be called after each connect: tells each setting that weakens a promise, until it changes once only. */
export function newWarnings(tell: Tell): (server: ServerInfo) => void {
  let told = new Set<string>()
  return ({ warnings }) => {
    const keyOf = (warning: (typeof warnings)[number]) => `${warning.setting} ${warning.value}`
    for (const warning of warnings) if (!told.has(keyOf(warning))) tell({ kind: 'server-setting', ...warning })
    told = new Set(warnings.map(keyOf))
  }
}
