import { FAILED_FIELD, LEASE_PREFIX } from '../tally.ts'

// What scripts write and read for those who look at a group. Nothing here may stop the script that it is part of: the key
// may hold something else, and the user may lack the right. So each command is a `pcall`, and each write comes last.

/** More leases than this are kept only of consumers that have a name in the group. */
const MANY_LEASES = 1_000

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
