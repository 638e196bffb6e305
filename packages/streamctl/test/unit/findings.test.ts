import type { Examination } from '@redis-streams-processor/streams-core'
import { expect, test } from 'vitest'
import { findingsOf } from '../../src/show/findings.ts'
import { Failure } from '../../src/tool/failure.ts'
import type { Settings } from '../../src/tool/settings.ts'

const well: Examination = {
  server: { name: 'redis', version: '8.6.3', warnings: [] },
  ...{ uptimeMs: 60_000, memory: { usedBytes: 10, maxBytes: 100 }, isWritingToDisk: true, clockAheadMs: 500 },
  ...{ missingRights: { needed: [], optional: [] }, wrongTypes: [] },
}
const settings: Settings = {
  ...{ redis: 'redis://127.0.0.1:6379', address: 'redis://127.0.0.1:6379', stream: 'user_events' },
  retention: () => ({ policy: 'acknowledged' }),
  remarks: [],
}
const server = (given: Partial<Examination['server']>) => ({ server: { ...well.server, ...given } })
const warning = (setting: 'appendonly' | 'maxmemory-policy' | 'min-replicas-to-write' | 'acl') =>
  server({ warnings: [{ setting, value: 'bad', risk: 'something is lost', remedy: 'mend it' }] })
const findings = (given: Partial<Examination> | Failure) =>
  findingsOf(given instanceof Failure ? given : { ...well, ...given }, settings, 'user_events')

test('nothing is wrong', () => {
  expect(findings({}).map(({ verdict }) => verdict)).toEqual(Array(11).fill('ok'))
})

test.each<[string, Partial<Examination> | Failure, check: string, verdict: string, says: RegExp]>([
  ['a clock ahead', { clockAheadMs: 2_001 }, 'clock', 'warning', /^Redis' clock is 2\.0 s ahead of that/],
  ['a clock behind', { clockAheadMs: -60_000 }, 'clock', 'warning', /^Redis' clock is 1 min behind that/],
  ['no clock', { clockAheadMs: undefined }, 'clock', 'unknown', /no right to TIME/],
  ['a clock that is right enough', { clockAheadMs: -2_000 }, 'clock', 'ok', /differ by 2\.0 s/],
  ['a full disk', { isWritingToDisk: false }, 'disk', 'problem', /cannot write/],
  ['no look at the disk', { isWritingToDisk: undefined }, 'disk', 'unknown', /no right to INFO/],
  [
    'no limit',
    { memory: { usedBytes: 1_048_576, maxBytes: 0 } },
    'memory',
    'warning',
    /^1\.0 MiB used, and maxmemory is/,
  ],
  ['memory to spare', { memory: { usedBytes: 79, maxBytes: 100 } }, 'memory', 'ok', /used$/],
  ['little memory', { memory: { usedBytes: 80, maxBytes: 100 } }, 'memory', 'warning', /publishing will be refused/],
  ['no memory', { memory: { usedBytes: 100, maxBytes: 100 } }, 'memory', 'problem', /publishing will be refused/],
  ['no look at memory', { memory: undefined }, 'memory', 'unknown', /no right to INFO/],
  ['no append-only file', warning('appendonly'), 'persistence', 'warning', /^appendonly is bad: something is lost/],
  ['keys are evicted', warning('maxmemory-policy'), 'eviction', 'warning', /^maxmemory-policy is bad/],
  ['replicas', warning('min-replicas-to-write'), 'replicas', 'warning', /^min-replicas-to-write is bad/],
  ['settings that cannot be seen', warning('acl'), 'replicas', 'unknown', /^min-replicas-to-write: bad/],
  ['a proxy', server({ version: undefined }), 'version', 'unknown', /does not tell it, up for 1 min/],
  ['rights', { missingRights: { needed: ['+xadd'], optional: [] } }, 'rights', 'problem', /lacks 1 right: some/],
  ['no type', { wrongTypes: undefined }, 'keys', 'unknown', /no right to TYPE/],
  [
    'a key',
    { wrongTypes: [{ key: 'k', expected: 'stream', actual: 'hash' }] },
    'keys',
    'problem',
    /^k is of type hash/,
  ],
  ['too old', new Failure('refused', 'REDIS_REFUSED', 'Redis 6.2 is too old: …'), 'version', 'problem', /is too old/],
  ['a wrong password', new Failure('refused', 'REDIS_REFUSED', 'WRONGPASS'), 'connection', 'problem', /WRONGPASS/],
  ['away', new Failure('unavailable', 'REDIS_UNAVAILABLE', 'ECONNREFUSED'), 'connection', 'problem', /ECONNREFUSED/],
])('%s', (_, given, check, verdict, says) => {
  const all = findings(given)
  expect(all.find((finding) => finding.check === check && finding.verdict === verdict)?.says).toMatch(says)
  expect(all.filter((finding) => finding.verdict !== 'ok' && !finding.remedy)).toEqual([])
})
