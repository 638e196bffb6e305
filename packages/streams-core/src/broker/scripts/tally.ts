import { consumerLimits } from '../../define/limits.ts'
import { FAILED_FIELD, LEASE_PREFIX } from '../tally.ts'

// What scripts write and read for those who look at a group. Nothing here may stop the script that it is part of: the key
// may hold something else, and the user may lack the right. So each command is a `pcall`, and each write comes last.

/** More leases than this are kept only of consumers that have a name in the group. */
const MANY_LEASES = 1_000
/** Of a consumer that has not told its lease. */
const USUAL_LEASE_MS = consumerLimits.leaseMs.default

/** `countFailure()`: counts a delivery that failed. */
export const countFailureLua = `
local function countFailure() redis.pcall('HINCRBY', tally, '${FAILED_FIELD}', 1) end
`

/**
 * `talliedIn(tally)`: its fields, by name.
 *
 * `longestLease(tallied, infos, untold)`: the longest lease (ms) among the consumers that XINFO names; `untold` stands for
 * the lease of each that has not told its own, because its version is older. 0 where there is no consumer. Uses `infoLua`.
 */
export const leasesLua = `
local function talliedIn(tally)
  local flat = redis.pcall('HGETALL', tally)
  return flat.err and {} or byName(flat)
end
local function consumerIn(name) return string.match(name, '^[^~]+') end
local function longestLease(tallied, infos, untold)
  local longest = 0
  for _, info in ipairs(infos) do
    local name = consumerIn(info.name)
    if name then longest = math.max(longest, tonumber(tallied['${LEASE_PREFIX}' .. name]) or untold) end
  end
  return longest
end
`

/**
 * `namedIn(tallied, info)`: what XINFO says of a name in a group: { name, pending, idle ms, lease (ms) that its consumer has
 * told or 0, 1 where Redis sees the reads of those that are given nothing or 0 }.
 *
 * `leaseOf(tallied, consumer)`: its lease (ms); the usual one where it has told none.
 *
 * `silenceOf(consumer, infos)`: how long ago (ms) it has last given a sign of life, under whatever name, or false.
 *
 * `livingIn(tallied, infos, clock)`: how many consumers have given a sign of life within half of their lease, and how long
 * ago (ms) the last one was, or false where there was none. A living consumer gives one at least every third of its
 * lease. Redis before 7.2 does not see the reads of a consumer that is given nothing; but a scan sets the clock of the group
 * (`clock`: its key), so one of them is counted while somebody scans. Uses `leasesLua`, `nowLua` and `pseudoConsumersLua`.
 */
export const livingLua = `
local function leaseTold(tallied, consumer)
  return consumer and tonumber(tallied['${LEASE_PREFIX}' .. consumer])
end
local function leaseOf(tallied, consumer) return leaseTold(tallied, consumer) or ${USUAL_LEASE_MS} end
local function namedIn(tallied, info)
  -- A version that tells both times sees every read.
  return { info.name, info.pending, info.idle, leaseTold(tallied, consumerIn(info.name)) or 0, info.inactive and 1 or 0 }
end
local function silenceOf(consumer, infos)
  local silentMs
  for _, info in ipairs(infos) do
    local isIts = consumerIn(info.name) == consumer and not isLeft(info.name)
    if isIts then silentMs = math.min(silentMs or info.idle, info.idle) end
  end
  return silentMs or false
end
local function scannedAgo(clock)
  local text = redis.pcall('GET', clock)
  local last, ahead = string.match(type(text) == 'string' and text or '', '^(%d+) (%d+)$')
  local agoMs = last and nowMs() - (last - ahead)
  return agoMs and agoMs >= 0 and agoMs
end
local function livingIn(tallied, infos, clock)
  local agoMs = scannedAgo(clock)
  local alive, silentMs, isCounted = 0, agoMs, {}
  for _, info in ipairs(infos) do
    local name = consumerIn(info.name)
    if name and not isLeft(info.name) then
      if info.idle < leaseOf(tallied, name) / 2 and not isCounted[name] then alive, isCounted[name] = alive + 1, true end
      silentMs = math.min(silentMs or info.idle, info.idle)
    end
  end
  if alive == 0 and agoMs then
    local longest = longestLease(tallied, infos, ${USUAL_LEASE_MS})
    if agoMs < (longest > 0 and longest or ${USUAL_LEASE_MS}) / 2 then alive = 1 end
  end
  return alive, silentMs or false
end
`

/** `tellLease(consumer, leaseMs)`. Uses `leasesLua`. */
export const tellLeaseLua = `
local function tellLease(consumer, leaseMs)
  local tallied, count = talliedIn(tally), 0
  for _ in pairs(tallied) do count = count + 1 end
  if count > ${MANY_LEASES} then
    local isNamed = {}
    for _, info in ipairs(consumerInfos(stream, group)) do
      isNamed['${LEASE_PREFIX}' .. (consumerIn(info.name) or '')] = true
    end
    for field in pairs(tallied) do
      local isLease = string.find(field, '${LEASE_PREFIX}', 1, true) == 1
      if isLease and not isNamed[field] then redis.pcall('HDEL', tally, field) end
    end
  end
  redis.pcall('HSET', tally, '${LEASE_PREFIX}' .. consumer, leaseMs)
end
`
