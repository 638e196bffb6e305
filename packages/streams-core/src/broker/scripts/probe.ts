import { PROBE_FIELD } from '../../define/controls.ts'
import { SET_ASIDE_PREFIX } from '../pseudo-consumers.ts'
import { PAGE } from './claim-parts.ts'
import { ENOUGH_BYTES, typeLua } from './fragments.ts'

// A piece of CLAIM, which shares its variables.

/**
 * `takeProbe()`: while the circuit is open, claims one entry each time that a probe is due, and returns the ms until the
 * next one may be. A new entry comes first, because it has all its deliveries left; then of the retries that are due the
 * one with the fewest deliveries; then what no consumer works on.
 */
export const probeLua = `
${typeLua}
-- The next new entry; those of a paused event type are set aside. Also returns whether there may be more of these.
local function readNew()
  for _ = 1, ${PAGE} do
    local read = redis.call('XREADGROUP', 'GROUP', group, consumer, 'COUNT', 1, 'STREAMS', stream, '>')
    if not read then return nil, false end
    local entry = read[1][2][1]
    local type, size = typeIn(entry[2])
    bytes = bytes + size
    if not type or not isTypePaused(type) then return entry, false end
    redis.call('XCLAIM', stream, group, '${SET_ASIDE_PREFIX}' .. type, 0, entry[1], 'RETRYCOUNT', 0, 'JUSTID')
    if bytes >= ${ENOUGH_BYTES} then break end
  end
  return nil, true
end
local function claimLeastDelivered()
  local best, count
  repeat
    local ids, stale = redis.call('ZRANGEBYSCORE', due, '-inf', time, 'LIMIT', 0, ${PAGE}), {}
    for _, id in ipairs(ids) do
      local entry = redis.call('XPENDING', stream, group, id, id, 1, RETRY)[1]
      if not entry then
        stale[#stale + 1] = id
      elseif not best or entry[4] < count then
        best, count = id, entry[4]
      end
      if count == 0 then break end
    end
    if #stale > 0 then redis.call('ZREM', due, unpack(stale)) end
  until best or #ids < ${PAGE}
  if not best then return end
  redis.call('ZREM', due, best)
  claim(consumer, best, math.min(count + 1, maxDeliveries), 'due')
end
local function takeProbe()
  local everyMs, nextAt = string.match(inForce['${PROBE_FIELD}'] or '', '^(%d+) (%d+)$')
  everyMs = tonumber(everyMs or 1000)
  local untilNextMs = (nextAt or 0) - serverMs
  -- One that is further away is from before the clock was set back.
  if untilNextMs > 0 and untilNextMs <= everyMs then return untilNextMs end
  room = 1
  local new, hasMoreNew = readNew()
  if hasMoreNew then return 0 end
  if new then claimed[1] = { 'due', new[1], 1, new[2] } else claimLeastDelivered() end
  for _, info in ipairs(#claimed == 0 and consumerInfos(stream, group) or {}) do
    local type, areSuspects = typeSetAside(info.name)
    if room == 0 or info.pending == 0 or areSuspects or type and isTypePaused(type) then
      -- Nothing to look for here.
    elseif type then takeBack(info)
    elseif takesOver and info.name ~= RETRY and info.name ~= SUSPECTS and info.name ~= consumer then takeOver(info) end
  end
  if #claimed == 0 then return leaseMs end
  if claimed[1][1] ~= 'crashed' then claimed[1][1] = 'probe' end
  redis.call('HSET', controls, '${PROBE_FIELD}', string.format('%.0f %.0f', everyMs, serverMs + everyMs))
  return everyMs
end
`
