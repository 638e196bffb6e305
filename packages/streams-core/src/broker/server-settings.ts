/** A setting of the server that weakens a promise of this library. */
export interface ServerWarning {
  /** The setting, as the configuration of Redis names it. `acl`: a right is missing, so nobody could look. */
  readonly setting: 'maxmemory-policy' | 'appendonly' | 'min-replicas-to-write' | 'acl'
  /** Its value. */
  readonly value: string
  /** What it may cost. */
  readonly risk: string
  /** How to set it. */
  readonly remedy: string
}

/** Judges the settings that the fields of INFO tell. `undefined`: this user may not ask for INFO. */
export function warningsIn(info: ReadonlyMap<string, string> | undefined): ServerWarning[] {
  if (!info) return [notLooked]
  return [evictionIn(info), persistenceIn(info), replicationIn(info)].filter((warning) => warning !== undefined)
}

const notLooked: ServerWarning = {
  setting: 'acl',
  value: 'no right to INFO',
  risk: 'maxmemory-policy, appendonly and min-replicas-to-write may weaken the promises unnoticed',
  remedy: 'ACL SETUSER <this user> +info',
}

function evictionIn(info: ReadonlyMap<string, string>): ServerWarning | undefined {
  const policy = info.get('maxmemory_policy') ?? 'noeviction'
  if (policy === 'noeviction') return undefined
  const records = 'remembered event ids and idempotency records: events are appended and handled twice'
  return {
    setting: 'maxmemory-policy',
    value: policy,
    risk: `at maxmemory Redis deletes ${policy.startsWith('allkeys') ? 'the stream with its events, and ' : ''}${records}`,
    remedy: 'CONFIG SET maxmemory-policy noeviction',
  }
}

function persistenceIn(info: ReadonlyMap<string, string>): ServerWarning | undefined {
  if (info.get('aof_enabled') !== '0') return undefined
  return {
    setting: 'appendonly',
    value: 'no',
    risk: 'a restart of Redis loses every event since the last snapshot, and repeats what was handled since then',
    remedy: 'CONFIG SET appendonly yes',
  }
}

function replicationIn(info: ReadonlyMap<string, string>): ServerWarning | undefined {
  const hasReplicas = info.get('role') === 'master' && Number(info.get('connected_slaves') ?? 0) > 0
  // INFO has this field only while min-replicas-to-write is above 0.
  if (!hasReplicas || info.has('min_slaves_good_slaves')) return undefined
  return {
    setting: 'min-replicas-to-write',
    value: '0',
    risk: 'a master that is cut off from its replicas goes on taking events, and a failover loses them',
    remedy: 'CONFIG SET min-replicas-to-write 1',
  }
}
