import { PAUSED_FIELD } from '../../define/controls.ts'
import { script } from '../script.ts'
import { claimLua, dueLua, PAGE, takeBackLua, takeOverLua } from './claim-parts.ts'
import { controlsLua, groupTimeLua, infoLua, lateLua, lockLua, pseudoConsumersLua } from './fragments.ts'
import { probeLua } from './probe.ts'

/** Of its own entries after this id, a consumer has none. */
const AFTER_ALL = '18446744073709551615-0'

/**
 * Claims what nobody is working on: entries whose lease is over, and retries that are due. Scan and claim are one step,
 * so no other consumer can come between; the lock only limits how often the group is scanned while no retry is due.
 * What merely waits costs nothing: each list is looked at from its head, and retries are found by their due time.
 *
 * A call that comes more than `graceMs` late (`sentAt`, see `lateBy`), because Redis hung or its clock was set ahead,
 * claims due retries only: every lease looks as if it were over, although its owner may live.
 * While the group is paused nothing is claimed, apart from the probes of an open circuit. Since nothing is read either,
 * the consumer then shows Redis that it lives by reading nothing.
 * `holdsOff`: 1: due retries only, too.   `delayMs`: how much later than others this consumer claims an entry.
 *
 * Returns { Redis' clock, ms by which the call was late, ms by which the clock was found to be set back, ms until there
 * may be something to claim, 1 if there is more to claim now, number of suspects, 1 if a lease of this consumer is half
 * over, the controls of the group, { reason, id, attempt, fields or false }… }; reason: due, lease-over, crashed or probe.
 */
export const CLAIM = script(
  {
    keys: ['stream', 'scanLock', 'history', 'due', 'dueScan', 'clock', 'controls', 'takeovers'],
    args: [
      'group',
      'consumer',
      'alone',
      'crashed',
      'leaseMs',
      'delayMs',
      'holdsOff',
      'maxDeliveries',
      'room',
      'lockMs',
      'sentAt',
      'graceMs',
      'looksBack',
    ],
    allowOom: true,
  },
  `
${infoLua}
${pseudoConsumersLua}
${groupTimeLua}
${lateLua}
${lockLua}
${controlsLua}
room, leaseMs, delayMs, maxDeliveries = tonumber(room), tonumber(leaseMs), tonumber(delayMs), tonumber(maxDeliveries)
local waitMs, hasMore = leaseMs, 0
local suspects, moves = 0, ${PAGE}
local time, serverMs, backMs = groupTime()
local lateMs = lateBy(serverMs)
local takesOver = holdsOff == '0' and lateMs <= tonumber(graceMs)
${claimLua}
${takeOverLua}
${dueLua}
${takeBackLua}
${probeLua}
local isHalfOver = 0
if looksBack == '1' then
  isHalfOver = #redis.call('XPENDING', stream, group, 'IDLE', math.ceil(leaseMs / 2), '-', '+', 1, consumer)
end
local function storeTime() redis.call('SET', clock, string.format('%.0f %.0f', time, time - serverMs)) end
if isPaused then
  storeTime()
  redis.call('XREADGROUP', 'GROUP', group, consumer, 'COUNT', 1, 'STREAMS', stream, '${AFTER_ALL}')
  local nextMs = inForce['${PAUSED_FIELD}'] and leaseMs or takeProbe()
  noteTakeovers()
  return { serverMs, lateMs, backMs, nextMs, 0, 0, isHalfOver, inForceFlat, unpack(claimed) }
end
local dueMs = untilDue()
if dueMs > 0 and isLocked(scanLock, lockMs, serverMs) then
  local nextAt, seen = string.match(redis.call('GET', scanLock), ' (%d+) (%d+)$')
  waitMs = math.min(dueMs, math.max(0, nextAt - serverMs))
  return { serverMs, lateMs, 0, waitMs, 0, tonumber(seen), isHalfOver, inForceFlat }
end
storeTime()

local infos = consumerInfos(stream, group)
for _, info in ipairs(infos) do
  if info.name == RETRY then completeIndex(info.pending) end
  if info.name == SUSPECTS then suspects = info.pending end
end
-- Retries and leases share the room; the last place goes to either, as it happens.
takeDue(room > 1 and math.ceil(room / 2) or time % 2)
if takesOver then
  for _, info in ipairs(infos) do
    local name = info.name
    if room == 0 or moves == 0 then
      hasMore = 1
      break
    end
    if info.pending > 0 and name ~= SUSPECTS and name ~= consumer and not isWaiting(name) then takeOver(info) end
  end
end
for _, info in ipairs(infos) do
  local type, areSuspects = typeSetAside(info.name)
  if type and info.pending > 0 and not isTypePaused(type) then
    if areSuspects then restoreSuspects(info)
    elseif room > 0 then takeBack(info) end
  end
end
takeDue(room)
waitMs = math.min(waitMs, untilDue())
if room == 0 then hasMore = 1 end
-- While there is more, the next consumer may look at once; and after a scan that has not looked at the leases.
if hasMore == 0 and takesOver then
  local value = string.format('%.0f %.0f %.0f', serverMs + lockMs, serverMs + waitMs, suspects)
  redis.call('SET', scanLock, value, 'PX', lockMs)
end
noteTakeovers()
return { serverMs, lateMs, backMs, waitMs, hasMore, suspects, isHalfOver, inForceFlat, unpack(claimed) }
`,
)
