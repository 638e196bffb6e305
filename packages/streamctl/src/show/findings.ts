import type { Examination } from '@redis-streams-processor/streams-core'
import type { DataOf } from '../data.ts'
import type { Failure } from '../tool/failure.ts'
import type { Settings } from '../tool/settings.ts'
import { some, span } from './words.ts'

export type Finding = DataOf<'doctor'>['findings'][number]

const CLOCK_LIMIT_MS = 2_000
const MEMORY_LIMIT = 0.8
/** What to do where something cannot be looked at. */
const LOOK = 'give the user the right, then look again: docs/operations.md, "The rights of a user"'

/** Judges what was seen. @param examination A failure: Redis could not be examined. */
export function findingsOf(examination: Examination | Failure, settings: Settings, stream: string): Finding[] {
  const ofSettings = settingsFindings(settings)
  if (examination instanceof Error) return [...ofSettings, connectionFailed(examination, settings)]
  const connected: Finding = { check: 'connection', verdict: 'ok', says: `${settings.address} answers` }
  return [
    ...ofSettings,
    connected,
    version(examination),
    ...serverSettings(examination),
    disk(examination),
    memory(examination),
    ...rights(examination),
    clock(examination),
    ...keys(examination, stream),
  ]
}

function settingsFindings({ remarks }: Settings): Finding[] {
  const strange = remarks.filter((remark) => /not understood|did you mean/.test(remark))
  if (strange.length > 0)
    return strange.map((says) => ({ check: 'settings', verdict: 'warning', says, remedy: 'mend the name or the line' }))
  const file = remarks.find((remark) => remark.startsWith('settings are read from'))
  return [{ check: 'settings', verdict: 'ok', says: file ?? 'settings are read from the environment' }]
}

function connectionFailed({ exit, message }: Failure, { address }: Settings): Finding {
  // The library does not work with such a server.
  if (exit === 'refused' && message.includes('is too old')) {
    return { check: 'version', verdict: 'problem', says: message, remedy: 'upgrade: Redis 7.0 or newer, or Valkey' }
  }
  const remedies: Partial<Record<Failure['exit'], string>> = {
    unavailable: `is Redis running, and is ${address} (REDIS_URL, --redis) its address? Look at the network, too`,
    refused: 'look at the user and the password: REDIS_URL, REDIS_PASSWORD_FILE',
  }
  const remedy = remedies[exit] ?? 'look at the settings'
  return { check: 'connection', verdict: 'problem', says: `${address}: ${message}`, remedy }
}

function version({ server, uptimeMs }: Examination): Finding {
  const since = uptimeMs === undefined ? '' : `, up for ${span(uptimeMs)}`
  if (server.version === undefined)
    return { check: 'version', verdict: 'unknown', says: `the server does not tell it${since}`, remedy: LOOK }
  return { check: 'version', verdict: 'ok', says: `${server.name ?? 'redis'} ${server.version}${since}` }
}

const CHECKS = {
  'maxmemory-policy': { check: 'eviction', well: 'maxmemory-policy is noeviction: Redis deletes nothing by itself' },
  appendonly: { check: 'persistence', well: 'appendonly is yes: a restart loses next to nothing' },
  'min-replicas-to-write': { check: 'replicas', well: 'no replica, or a write waits for one' },
} as const

function serverSettings({ server: { warnings } }: Examination): Finding[] {
  const names = Object.keys(CHECKS) as (keyof typeof CHECKS)[]
  const blind = warnings.find(({ setting }) => setting === 'acl')
  if (blind) {
    return names.map((name) => ({
      check: CHECKS[name].check,
      verdict: 'unknown',
      says: `${name}: ${blind.value}`,
      remedy: blind.remedy,
    }))
  }
  return names.map((name) => {
    const warning = warnings.find(({ setting }) => setting === name)
    if (!warning) return { check: CHECKS[name].check, verdict: 'ok', says: CHECKS[name].well }
    return {
      check: CHECKS[name].check,
      verdict: 'warning',
      says: `${name} is ${warning.value}: ${warning.risk}`,
      remedy: warning.remedy,
    }
  })
}

function disk({ isWritingToDisk }: Examination): Finding {
  if (isWritingToDisk === undefined)
    return { check: 'disk', verdict: 'unknown', says: 'no right to INFO', remedy: LOOK }
  if (isWritingToDisk) return { check: 'disk', verdict: 'ok', says: 'the last write to the append-only file went well' }
  return {
    check: 'disk',
    verdict: 'problem',
    says: 'Redis cannot write its append-only file',
    remedy: 'make room on its disk; its log says more',
  }
}

function memory({ memory: seen }: Examination): Finding {
  if (seen === undefined) return { check: 'memory', verdict: 'unknown', says: 'no right to INFO', remedy: LOOK }
  const megabytes = (bytes: number) => `${(bytes / 1_048_576).toFixed(1)} MiB`
  const used = megabytes(seen.usedBytes)
  if (seen.maxBytes === 0) {
    return {
      check: 'memory',
      verdict: 'warning',
      says: `${used} used, and maxmemory is not set: Redis may take all of the machine`,
      remedy: 'CONFIG SET maxmemory <bytes>, above what you need',
    }
  }
  const says = `${used} of ${megabytes(seen.maxBytes)} used`
  if (seen.usedBytes < MEMORY_LIMIT * seen.maxBytes) return { check: 'memory', verdict: 'ok', says }
  return {
    check: 'memory',
    verdict: seen.usedBytes < seen.maxBytes ? 'warning' : 'problem',
    says: `${says}: publishing will be refused`,
    remedy: 'status shows which group is behind; purge dead letters; or raise maxmemory',
  }
}

function rights({ missingRights: { needed, optional } }: Examination): Finding[] {
  const remedy = (rules: readonly string[]) => `as an administrator: ACL SETUSER <this user> ${rules.join(' ')}`
  const ofNeeded: Finding[] =
    needed.length === 0
      ? [{ check: 'rights', verdict: 'ok', says: 'the user may do everything that an operator needs' }]
      : [
          {
            check: 'rights',
            verdict: 'problem',
            says: `the user lacks ${some(needed.length, 'right')}: some commands will fail`,
            remedy: remedy(needed),
          },
        ]
  if (optional.length === 0) return ofNeeded
  return [
    ...ofNeeded,
    {
      check: 'rights',
      verdict: 'warning',
      says: `the user lacks ${some(optional.length, 'right')} that ${optional.length === 1 ? 'is' : 'are'} useful: not everything can be looked at`,
      remedy: remedy(optional),
    },
  ]
}

function clock({ clockAheadMs }: Examination): Finding {
  if (clockAheadMs === undefined) return { check: 'clock', verdict: 'unknown', says: 'no right to TIME', remedy: LOOK }
  const off = span(Math.abs(clockAheadMs))
  if (Math.abs(clockAheadMs) <= CLOCK_LIMIT_MS)
    return { check: 'clock', verdict: 'ok', says: `Redis and this machine differ by ${off}` }
  const says = `Redis' clock is ${off} ${clockAheadMs > 0 ? 'ahead of' : 'behind'} that of this machine`
  return {
    check: 'clock',
    verdict: 'warning',
    says,
    remedy: 'set both by NTP: times, ages and signatures of webhooks depend on them',
  }
}

function keys({ wrongTypes }: Examination, stream: string): Finding[] {
  if (wrongTypes === undefined) return [{ check: 'keys', verdict: 'unknown', says: 'no right to TYPE', remedy: LOOK }]
  if (wrongTypes.length === 0)
    return [{ check: 'keys', verdict: 'ok', says: `no key of ${stream} holds something else` }]
  return wrongTypes.map(({ key, expected, actual }) => ({
    check: 'keys',
    verdict: 'problem',
    says: `${key} is of type ${actual}, not ${expected}`,
    remedy: 'another program uses this name: RENAME the key away, or use another STREAM',
  }))
}
