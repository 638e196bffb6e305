import { script } from '../script.ts'
import { compareIdsLua, ENOUGH_BYTES, infoLua, nowLua, pseudoConsumersLua } from './fragments.ts'
import { leasesLua, livingLua } from './tally.ts'

/**
 * The oldest entry of a group that some consumer should be working on: pending and neither parked nor set aside, or not
 * delivered yet.
 *
 * Returns its id, or false.
 */
export const OLDEST_UNHANDLED = script(
  { keys: ['stream'], args: ['group'] },
  `
${compareIdsLua}
${infoLua}
${pseudoConsumersLua}
local oldest = false
for _, info in ipairs(groupInfos(stream)) do
  if info.name == group then
    local next = redis.call('XRANGE', stream, '(' .. info['last-delivered-id'], '+', 'COUNT', 1)[1]
    oldest = next and next[1]
  end
end
for _, info in ipairs(consumerInfos(stream, group)) do
  if info.pending > 0 and not isWaiting(info.name) then
    local id = redis.call('XPENDING', stream, group, '-', '+', 1, info.name)[1][1]
    if not oldest or compareIds(id, oldest) < 0 then oldest = id end
  end
end
return oldest
`,
)

/**
 * `stateOf(info, consumers, tallied)`: of a group by what XINFO says of it and of its consumers, and by its tally: { group,
 * lag or false, pending, oldest entry that is not acknowledged or false, dead letters, dropped unread or false, last
 * delivered id, controls, living consumers, ms since the last sign of life or false }. Uses `compareIdsLua` and
 * `livingLua`.
 */
export const groupStateLua = `
local function stateOf(info, consumers, tallied)
  local group, last = info.name, info['last-delivered-id']
  local oldest = redis.call('XPENDING', stream, group)[2]
  local next = redis.call('XRANGE', stream, '(' .. last, '+', 'COUNT', 1)[1]
  if next and (not oldest or compareIds(next[1], oldest) < 0) then oldest = next[1] end
  local prefix = string.format(groupFormat, group)
  local dead, controls = redis.call('XLEN', prefix .. 'dead'), redis.call('HGETALL', prefix .. 'controls')
  local alive, silentMs = livingIn(tallied, consumers, prefix .. 'clock')
  local unread = redis.call('HGET', dropped, group)
  return { group, info.lag, info.pending, oldest, dead, unread, last, controls, alive, silentMs }
end
`

/**
 * Everything that one can know of a stream and its groups without counting entries.
 *
 * `groupFormat`: what the keys of a group begin with, see `Keys`.
 * Returns { Redis' clock, length, { group, lag or false, pending, oldest entry that is not acknowledged or false, dead
 * letters, dropped unread or false, last delivered id, controls, living consumers, ms since the last sign of life or
 * false, each name, see `namedIn`… }… }.
 */
export const INSPECT = script(
  { keys: ['stream', 'dropped'], args: ['groupFormat'] },
  `
${compareIdsLua}
${infoLua}
${nowLua}
${pseudoConsumersLua}
${leasesLua}
${livingLua}
${groupStateLua}
local state = { nowMs(), redis.call('XLEN', stream) }
if redis.call('EXISTS', stream) == 0 then return state end
for _, info in ipairs(groupInfos(stream)) do
  local consumers = consumerInfos(stream, info.name)
  local tallied = talliedIn(string.format(groupFormat, info.name) .. 'tally')
  local found = stateOf(info, consumers, tallied)
  for _, one in ipairs(consumers) do found[#found + 1] = namedIn(tallied, one) end
  state[#state + 1] = found
end
return state
`,
)

/** Entries that one step of COUNT looks at. */
const COUNT_STEP = 100

/**
 * Counts the entries after an id, up to another id, at most about `atMost`, so that no call holds Redis up for long.
 *
 * Returns { their number, the id of the last one or `after`, 1 if there may be more }.
 */
export const COUNT = script(
  { keys: ['stream'], args: ['after', 'upTo', 'atMost'] },
  `
local count, bytes, last, page = 0, 0, after, nil
repeat
  page = redis.call('XRANGE', stream, '(' .. last, upTo, 'COUNT', ${COUNT_STEP})
  for _, entry in ipairs(page) do
    for _, text in ipairs(entry[2]) do bytes = bytes + #text end
    last = entry[1]
  end
  count = count + #page
until #page < ${COUNT_STEP} or count >= tonumber(atMost) or bytes >= ${ENOUGH_BYTES}
return { count, last, #page == ${COUNT_STEP} and 1 or 0 }
`,
)
