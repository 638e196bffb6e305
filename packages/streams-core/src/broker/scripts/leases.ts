import { script } from '../script.ts'
import { holdsLua } from './fragments.ts'

/**
 * Extends leases that are still their owner's: XCLAIM by the owner resets the idle time, JUSTID leaves the delivery
 * count alone. The check comes first: a bare XCLAIM by a consumer whose lease is lost would take the entry from its
 * new owner.
 *
 * More keys: the idempotency record of each delivery, if they have one.
 * More arguments: entry id, owner, attempt, running value of the record, for each delivery.
 * Returns the entry ids of those whose lease is lost.
 */
export const EXTEND = script(
  { keys: ['stream'], args: ['group', 'leaseMs'], allowOom: true },
  `
${holdsLua}
local lost, recordAt = {}, MORE_KEYS
for i = MORE_ARGS, #ARGV, 4 do
  local id, owner, running, record = ARGV[i], ARGV[i + 1], ARGV[i + 3], KEYS[recordAt]
  local extended = holds(id, owner, ARGV[i + 2])
    and redis.call('XCLAIM', stream, group, owner, 0, id, 'JUSTID')[1]
  if not extended then
    lost[#lost + 1] = id
  elseif record then
    -- A record that ran out during an outage is still this delivery's, as the entry is.
    local value = redis.call('GET', record)
    if not value or value == running then redis.call('SET', record, running, 'PX', leaseMs) end
  end
  recordAt = recordAt + 1
end
return lost
`,
)
