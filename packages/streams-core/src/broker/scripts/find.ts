import { REDRIVE_OF } from '../../define/entry.ts'
import { OUR_WORDS } from '../letter-codec.ts'
import { script } from '../script.ts'
import { compareIdsLua, ENOUGH_BYTES, infoLua, nowLua, pseudoConsumersLua } from './fragments.ts'
import { leasesLua, livingLua } from './tally.ts'

/** Entries that one step of SEARCH reads, and that one call looks at. */
const STEP = 50
const ENOUGH = 500

/**
 * Searches a stream, or the dead letters of a group, newest first, for an event id; or for the entry that letters, or
 * redriven entries, were made of. A few entries a call, so that no call holds Redis up for long.
 *
 * `before`: the id from which to go back, or `+`.   `downTo`: where to end, as XREVRANGE takes it.   `inLetters`: 1 or 0.
 * `eventId`: empty where `entryId` is searched for, and the other way round.
 * Returns { entries looked at, `before` of the next call or false, { id, fields }… of those that were found }.
 */
export const SEARCH = script(
  { keys: ['searched'], args: ['before', 'downTo', 'inLetters', 'eventId', 'entryId'] },
  `
local ownFrom = inLetters == '1' and ${OUR_WORDS + 1} or 1
local made = '"entryId":"' .. entryId .. '"'
local name, value = 'id', eventId
if entryId ~= '' then name, value = '${REDRIVE_OF}', entryId end
local function isIt(fields)
  -- Quotes within a text of the letter have a backslash before them.
  if entryId ~= '' and inLetters == '1' then return string.find(fields[2] or '', made, 1, true) end
  for i = ownFrom, #fields - 1, 2 do
    if fields[i] == name then return fields[i + 1] == value end
  end
end
local looked, bytes, found, page = 0, 0, {}, nil
repeat
  page = redis.call('XREVRANGE', searched, before, downTo, 'COUNT', ${STEP})
  for _, entry in ipairs(page) do
    for _, text in ipairs(entry[2]) do bytes = bytes + #text end
    if isIt(entry[2]) then found[#found + 1] = entry end
    before = '(' .. entry[1]
  end
  looked = looked + #page
until #page < ${STEP} or looked >= ${ENOUGH} or bytes >= ${ENOUGH_BYTES}
return { looked, #page == ${STEP} and before, unpack(found) }
`,
)

/**
 * What Redis knows of an entry, and of its state in every group, at one moment.
 *
 * `groupFormat`: what the keys of a group begin with, see `Keys`.
 * Returns { Redis' clock, fields of the entry or false, newest id of the stream, oldest id in it or false, { group, last
 * delivered id, owner or false, idle ms, deliveries, due time or false, how far the time of the group is ahead, history or
 * false, after which id an operator has put the group last or false, and when, what its owner has noted of its run or
 * false, and, unless the group has done with the entry, { controls, living consumers, ms since the last sign of life or
 * false, longest lease (ms) that a consumer has told or 0, ms since the last sign of life of the consumer that owns it or
 * false, and its lease } or false }… }.
 */
export const LOOK_UP = script(
  { keys: ['stream'], args: ['entryId', 'groupFormat'] },
  `
${compareIdsLua}
${infoLua}
${nowLua}
${pseudoConsumersLua}
${leasesLua}
${livingLua}
-- First: on newer versions, to the other commands the time stands still from the start of the script on.
local at = nowMs()
if redis.call('EXISTS', stream) == 0 then return { at, false, '0-0', false } end
local function runOf(groupKeys, consumer)
  local run = consumer and redis.pcall('HGET', groupKeys .. 'runs:' .. consumer, entryId)
  return type(run) == 'string' and run
end
local function workersOf(group, groupKeys, consumer)
  local tallied, infos = talliedIn(groupKeys .. 'tally'), consumerInfos(stream, group)
  local controls, longest = redis.call('HGETALL', groupKeys .. 'controls'), longestLease(tallied, infos, 0)
  local alive, silentMs = livingIn(tallied, infos, groupKeys .. 'clock')
  local ownerSilentMs = consumer and silenceOf(consumer, infos) or false
  return { controls, alive, silentMs, longest, ownerSilentMs, leaseOf(tallied, consumer) }
end
local entry = redis.call('XRANGE', stream, entryId, entryId)[1]
local about = streamInfo(stream)
local oldest = about['first-entry']
local found = { at, entry and entry[2] or false, about['last-generated-id'], oldest and oldest[1] }
for _, info in ipairs(groupInfos(stream)) do
  local groupKeys = string.format(groupFormat, info.name)
  local pending = redis.call('XPENDING', stream, info.name, entryId, entryId, 1)[1] or { false, false, 0, 0 }
  local ahead = string.match(redis.call('GET', groupKeys .. 'clock') or '', ' (%d+)$') or 0
  local consumer = pending[2] and consumerIn(pending[2])
  local isOpen = pending[2] or compareIds(entryId, info['last-delivered-id']) > 0
  found[#found + 1] = {
    info.name, info['last-delivered-id'], pending[2], pending[3], pending[4],
    redis.call('ZSCORE', groupKeys .. 'due', entryId), tonumber(ahead), redis.call('HGET', groupKeys .. 'history', entryId),
    redis.call('HGET', groupKeys .. 'last-start', 'after'), redis.call('HGET', groupKeys .. 'last-start', 'at'),
    runOf(groupKeys, consumer), isOpen and workersOf(info.name, groupKeys, consumer),
  }
end
return found
`,
)
