import { OUR_WORDS } from '../letter-codec.ts'
import { script } from '../script.ts'
import { ENOUGH_BYTES, infoLua, nowLua } from './fragments.ts'

/** Entries that one step of SEARCH reads, and that one call looks at. */
const STEP = 50
const ENOUGH = 500

/**
 * Searches a stream, or the dead letters of a group, for an event id, newest first; or letters for the entry that they
 * were made of. A few entries a call, so that no call holds Redis up for long.
 *
 * `before`: the id from which to go back, or `+`.   `downTo`: the last id to look at, or `-`.   `inLetters`: 1 or 0.
 * `eventId`: empty where `entryId` is searched for, and the other way round.
 * Returns { entries looked at, `before` of the next call or false, { id, fields }… of those that were found }.
 */
export const SEARCH = script(
  { keys: ['searched'], args: ['before', 'downTo', 'inLetters', 'eventId', 'entryId'] },
  `
local ownFrom = inLetters == '1' and ${OUR_WORDS + 1} or 1
local made = '"entryId":"' .. entryId .. '"'
local function isIt(fields)
  -- Quotes within a text of the letter have a backslash before them.
  if entryId ~= '' then return string.find(fields[2] or '', made, 1, true) end
  for i = ownFrom, #fields - 1, 2 do
    if fields[i] == 'id' then return fields[i + 1] == eventId end
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
 * Returns { Redis' clock, fields of the entry or false, newest id of the stream, { group, last delivered id, owner or
 * false, idle ms, deliveries, due time or false, how far the time of the group is ahead, history or false,
 * after which id an operator has put the group last or false, and when }… }.
 */
export const LOOK_UP = script(
  { keys: ['stream'], args: ['entryId', 'groupFormat'] },
  `
${infoLua}
${nowLua}
if redis.call('EXISTS', stream) == 0 then return { nowMs(), false, '0-0' } end
local entry = redis.call('XRANGE', stream, entryId, entryId)[1]
local found = { nowMs(), entry and entry[2] or false, streamInfo(stream)['last-generated-id'] }
for _, info in ipairs(groupInfos(stream)) do
  local groupKeys = string.format(groupFormat, info.name)
  local pending = redis.call('XPENDING', stream, info.name, entryId, entryId, 1)[1] or { false, false, 0, 0 }
  local ahead = string.match(redis.call('GET', groupKeys .. 'clock') or '', ' (%d+)$') or 0
  found[#found + 1] = {
    info.name, info['last-delivered-id'], pending[2], pending[3], pending[4],
    redis.call('ZSCORE', groupKeys .. 'due', entryId), tonumber(ahead), redis.call('HGET', groupKeys .. 'history', entryId),
    redis.call('HGET', groupKeys .. 'last-start', 'after'), redis.call('HGET', groupKeys .. 'last-start', 'at'),
  }
end
return found
`,
)
