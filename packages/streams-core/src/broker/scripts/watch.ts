import { OUR_WORDS } from '../letter-codec.ts'
import { script } from '../script.ts'
import { FAILED_FIELD } from '../tally.ts'
import { compareIdsLua, ENOUGH_BYTES, infoLua, nowLua, pseudoConsumersLua } from './fragments.ts'
import { groupStateLua } from './inspect.ts'
import { leasesLua, livingLua } from './tally.ts'

/**
 * The figures of every group; and of some groups, who holds what, and what was lately taken over from whom. What is held
 * under each name is shown from the oldest entry on, `entries` of all groups together, shared out evenly.
 *
 * `perName`: entries under one name at most.   `takeovers`, `letters`: how many at most of each group.
 * More arguments: each group to look into, and which letters the caller has of it (`state`, or empty).
 * Returns { Redis' clock, length, { state of the group, see `stateOf`, failed deliveries, longest lease that a consumer has
 * told or 0, entries read or false, number of consumers, each name, see `namedIn`… } }; behind these, for a group to look
 * into, { name, { entry id, idle ms, deliveries }… }…, { id, fields }… of the takeovers, newest first, and { state, { id,
 * fields }… of the letters, newest first, 1 if there are more } without the fields of the event but `id` and `type`; only
 * { state } where the caller has them; for other groups, and where no letters are asked for, false.
 */
export const WATCH = script(
  { keys: ['stream', 'dropped'], args: ['groupFormat', 'entries', 'perName', 'takeovers', 'letters'] },
  `
${compareIdsLua}
${infoLua}
${nowLua}
${pseudoConsumersLua}
${leasesLua}
${livingLua}
${groupStateLua}
local isWanted, lettersSeen, wanted = {}, {}, 0
for i = MORE_ARGS, #ARGV, 2 do
  isWanted[ARGV[i]], lettersSeen[ARGV[i]], wanted = true, ARGV[i + 1], wanted + 1
end
local perGroup = entries / math.max(1, wanted)

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

-- A payload may be large, and is not shown.
local function inShort(fields)
  local short, isLeft = { unpack(fields, 1, math.min(#fields, ${OUR_WORDS})) }, { id = true, type = true }
  for i = ${OUR_WORDS + 1}, #fields, 2 do
    local name = fields[i]
    if isLeft[name] then
      short[#short + 1], short[#short + 2] = name, fields[i + 1]
      isLeft[name] = nil
    end
  end
  return short
end
local function newestLetters(dead, seen)
  local letter = redis.call('XREVRANGE', dead, '+', '-', 'COUNT', 1)[1]
  -- A letter comes with a new id, and is never changed: where these two are the same, so are the letters.
  local state = redis.call('XLEN', dead) .. ' ' .. (letter and letter[1] or '')
  if state == seen then return { state } end
  local found, bytes = {}, 0
  while letter and #found < tonumber(letters) and bytes < ${ENOUGH_BYTES} do
    for _, text in ipairs(letter[2]) do bytes = bytes + #text end
    found[#found + 1] = { letter[1], inShort(letter[2]) }
    letter = redis.call('XREVRANGE', dead, '(' .. letter[1], '-', 'COUNT', 1)[1]
  end
  return { state, found, letter and 1 or 0 }
end

-- Looked up once, however many groups were given nothing yet. False: who only looks may lack the right.
local added
local function entriesAdded()
  if added == nil then
    local flat = redis.pcall('XINFO', 'STREAM', stream)
    added = not flat.err and byName(flat)['entries-added']
  end
  return added
end

-- Of a group that was given nothing yet, Redis does not say how many entries it has read, but it knows its lag.
local function readBy(info)
  if info['entries-read'] or not info.lag then return info['entries-read'] or false end
  return entriesAdded() and entriesAdded() - info.lag
end

local function look(info)
  local group = info.name
  local prefix, consumers, named = string.format(groupFormat, group), consumerInfos(stream, group), {}
  local tallied, count = talliedIn(prefix .. 'tally'), 0
  for _, one in ipairs(consumers) do
    if not string.find(one.name, '~', 1, true) then count = count + 1 end
    if isWaiting(one.name) or isWanted[group] then named[#named + 1] = namedIn(tallied, one) end
  end
  local held, taken, newest = false, false, false
  if isWanted[group] then
    held = heldIn(group, consumers)
    taken = redis.pcall('XREVRANGE', prefix .. 'takeovers', '+', '-', 'COUNT', takeovers)
    if taken.err then taken = {} end
    if letters ~= '0' then newest = newestLetters(prefix .. 'dead', lettersSeen[group]) end
  end
  local failed, leaseMs = tallied['${FAILED_FIELD}'] or 0, longestLease(tallied, consumers, 0)
  local state = stateOf(info, consumers, tallied)
  return { state, failed, leaseMs, readBy(info), count, named, held, taken, newest }
end

local reply = { nowMs(), redis.call('XLEN', stream) }
if redis.call('EXISTS', stream) == 0 then return reply end
for _, info in ipairs(groupInfos(stream)) do reply[#reply + 1] = look(info) end
return reply
`,
)
