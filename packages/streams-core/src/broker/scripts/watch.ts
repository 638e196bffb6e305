import { script } from '../script.ts'
import { FAILED_FIELD } from '../tally.ts'
import { compareIdsLua, infoLua, nowLua, pseudoConsumersLua } from './fragments.ts'
import { groupStateLua } from './inspect.ts'
import { leasesLua } from './tally.ts'

/**
 * The figures of every group; and of some groups, who holds what, and what was lately taken over from whom. What is held
 * under each name is shown from the oldest entry on, `entries` of all groups together, shared out evenly.
 *
 * `perName`: entries under one name at most.   `takeovers`: how many at most of each group.
 * More arguments: the groups to look into.
 * Returns { Redis' clock, length, { state of the group, see `stateOf`, failed deliveries, longest lease that a consumer has
 * told or 0, entries read or false, number of consumers, { name, pending, idle ms }… } }; behind these, for a group to look
 * into, { name, { entry id, idle ms, deliveries }… }… and { id, fields }… of the takeovers, newest first; for others false.
 */
export const WATCH = script(
  { keys: ['stream', 'dropped'], args: ['groupFormat', 'entries', 'perName', 'takeovers'] },
  `
${compareIdsLua}
${infoLua}
${nowLua}
${pseudoConsumersLua}
${groupStateLua}
${leasesLua}
local isWanted = {}
for i = MORE_ARGS, #ARGV do isWanted[ARGV[i]] = true end
local perGroup = entries / math.max(1, #ARGV - MORE_ARGS + 1)

local function isWaiting(name) return name == RETRY or typeSetAside(name) end
local function heldIn(group, consumers)
  local holders = {}
  for _, one in ipairs(consumers) do
    if one.pending > 0 and not isWaiting(one.name) then holders[#holders + 1] = one end
  end
  local most, held, left = math.max(1, math.min(perName, math.floor(perGroup / math.max(1, #holders)))), {}, perGroup
  for _, one in ipairs(holders) do
    if left > 0 then
      local page = redis.call('XPENDING', stream, group, '-', '+', most, one.name)
      local found = { one.name }
      for i, entry in ipairs(page) do found[i + 1] = { entry[1], entry[3], entry[4] } end
      held[#held + 1], left = found, left - #page
    end
  end
  return held
end

local function look(info)
  local group = info.name
  local prefix, consumers, named = string.format(groupFormat, group), consumerInfos(stream, group), {}
  local count = 0
  for _, one in ipairs(consumers) do
    if not string.find(one.name, '~', 1, true) then count = count + 1 end
    if isWaiting(one.name) or isWanted[group] then named[#named + 1] = { one.name, one.pending, one.idle } end
  end
  local held, taken = false, false
  if isWanted[group] then
    held = heldIn(group, consumers)
    taken = redis.pcall('XREVRANGE', prefix .. 'takeovers', '+', '-', 'COUNT', takeovers)
    if taken.err then taken = {} end
  end
  local tallied = talliedIn(prefix .. 'tally')
  local failed, leaseMs = tallied['${FAILED_FIELD}'] or 0, longestLease(tallied, consumers, 0)
  return { stateOf(info), failed, leaseMs, info['entries-read'] or false, count, named, held, taken }
end

local reply = { nowMs(), redis.call('XLEN', stream) }
if redis.call('EXISTS', stream) == 0 then return reply end
for _, info in ipairs(groupInfos(stream)) do reply[#reply + 1] = look(info) end
return reply
`,
)
