import { SUSPECT_SET_ASIDE_PREFIX } from '../pseudo-consumers.ts'
import { script } from '../script.ts'
import {
  controlsLua,
  ENOUGH_BYTES,
  groupTimeLua,
  holdsLua,
  infoLua,
  lateLua,
  pseudoConsumersLua,
  typeLua,
} from './fragments.ts'

/** How many entries a consumer that runs a suspect may have under a name for suspects; in truth it has one or two. */
const FEW = 10
/** How many suspects are looked at for one that may be taken; only some of those released with a delay may not. */
const PAGE = 100

/**
 * Takes one crash suspect: claims it under this consumer's name for suspects, until it can be run alone (ISOLATE). If
 * another consumer already works on a suspect, a consumer that holds other entries takes none, so that the rest of the
 * group's work goes on. While the group is paused nothing is taken. Suspects whose event type is paused are set aside: so
 * each is looked at once.
 *
 * `holdsNothing`: 1 or 0.   `sentAt`, `graceMs`: as for CLAIM; a call that comes late takes nothing.
 * Returns { id, attempt, fields or false }, or false: there is none to take.
 */
export const TAKE_SUSPECT = script(
  {
    keys: ['stream', 'history', 'due', 'clock', 'controls'],
    args: ['group', 'alone', 'suspect', 'leaseMs', 'maxDeliveries', 'holdsNothing', 'sentAt', 'graceMs'],
    allowOom: true,
  },
  `
${infoLua}
${pseudoConsumersLua}
${groupTimeLua}
${lateLua}
${controlsLua}
${typeLua}
local time, serverMs = groupTime()
if isPaused or lateBy(serverMs) > tonumber(graceMs) then return false end

local bytes = 0
-- Whether the suspect was set aside because its event type is paused.
local function setAside(id)
  local entry = #inForceFlat > 0 and redis.call('XRANGE', stream, id, id)[1]
  local type, size = typeIn(entry and entry[2] or {})
  bytes = bytes + size
  if not type or not isTypePaused(type) then return false end
  redis.call('XCLAIM', stream, group, '${SUSPECT_SET_ASIDE_PREFIX}' .. type, 0, id, 'JUSTID')
  return true
end

local function isAnotherAtWork()
  for _, info in ipairs(consumerInfos(stream, group)) do
    local name = info.name
    if info.pending > 0 and (isAlone(name) or isSuspect(name) and name ~= SUSPECTS)
      and name ~= alone and name ~= suspect then
      for _, entry in ipairs(redis.call('XPENDING', stream, group, '-', '+', ${FEW}, name)) do
        if entry[3] < tonumber(leaseMs) then return true end
      end
    end
  end
  return false
end

if holdsNothing == '0' and isAnotherAtWork() then return false end
local id, count
-- Looks at one page of the suspects. Returns whether any of them was set aside, so that others have moved up.
local function look()
  local hasSetAside = false
  for _, entry in ipairs(redis.call('XPENDING', stream, group, '-', '+', ${PAGE}, SUSPECTS)) do
    local dueAt = redis.call('ZSCORE', due, entry[1])
    if bytes >= ${ENOUGH_BYTES} then return false end
    if setAside(entry[1]) then
      hasSetAside = true
    elseif not dueAt or tonumber(dueAt) <= time then
      id, count = entry[1], entry[4]
      return false
    end
  end
  return hasSetAside
end
while look() do end
if not id then return false end
redis.call('ZREM', due, id)
local attempt = math.min(count + 1, tonumber(maxDeliveries))
local entry = redis.call('XCLAIM', stream, group, suspect, 0, id, 'RETRYCOUNT', attempt)[1]
if not entry then redis.call('HDEL', history, id) end
return { id, attempt, entry and entry[2] }
`,
)

/**
 * Moves a suspect to this consumer's name for running alone: from here on, if the consumer dies, the suspect is guilty. May
 * be repeated after a lost reply.
 *
 * Returns 1, or 0: the lease was lost.
 */
export const ISOLATE = script(
  { keys: ['stream'], args: ['group', 'entryId', 'owner', 'attempt', 'alone'], allowOom: true },
  `
${holdsLua}
if not holds(entryId, owner, attempt) then return 0 end
redis.call('XCLAIM', stream, group, alone, 0, entryId, 'JUSTID')
return 1
`,
)

/**
 * Moves an entry from this consumer's name for running alone to the consumer's own name: the entry has run alone for
 * long enough without killing the consumer, and runs on beside others. May be repeated after a lost reply.
 *
 * Returns 1, or 0: the lease was lost.
 */
export const REJOIN = script(
  { keys: ['stream'], args: ['group', 'entryId', 'owner', 'attempt', 'consumer'], allowOom: true },
  `
${holdsLua}
if not holds(entryId, owner, attempt) then return 0 end
redis.call('XCLAIM', stream, group, consumer, 0, entryId, 'JUSTID')
return 1
`,
)
