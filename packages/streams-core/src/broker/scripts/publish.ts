import { LAYOUTS } from '../../define/entry.ts'
import { script } from '../script.ts'
import { dedupeLua } from './dedupe.ts'
import { trimLua } from './trim.ts'

/**
 * `append[layout](at)`: XADD of the event whose layout stands at this argument, with its values behind it. One function
 * for each layout, so that no call carries the names of fields (Redis spends 20 % less on each event).
 */
const appendLua = `
local append = {
${LAYOUTS.map((names, layout) => {
  const pairs = names.map((name, i) => `'${name}', ARGV[at + ${i + 1}]`)
  return `  ['${layout}'] = function(at) return redis.pcall('XADD', stream, '*', ${pairs.join(', ')}) end,`
}).join('\n')}
}
local valuesOf = { ${LAYOUTS.map((names, layout) => `['${layout}'] = ${names.length}`).join(', ')} }
`

/**
 * Appends a batch: deduplication, cap and XADD in one step, event by event.
 *
 * `policy`: `acknowledged` or `maxlen`.   `maxLength`: 0 for none.   `groupFormat`: what the keys of a group begin with,
 * with %s for the group.   `requiredGroups`: how many groups must exist before anything is trimmed.
 * More arguments: the names of the required groups; then for each event its layout and its values.
 * Returns for each event the id of its new entry; or, if none was appended, a status and a value:
 *   `duplicate` entry id of the first, `full` length, `error` text
 */
export const PUBLISH = script(
  {
    keys: ['stream', 'dropped', 'marks', 'dedupe', 'bucket0', 'bucket1'],
    args: ['policy', 'maxLength', 'keepAtLeast', 'keepForMs', 'dedupeMs', 'groupFormat', 'requiredGroups'],
  },
  `
${dedupeLua}
${appendLua}
maxLength, dedupeMs = tonumber(maxLength), tonumber(dedupeMs)
local firstEvent = MORE_ARGS + tonumber(requiredGroups)
local length = redis.call('XLEN', stream)
-- starts[i]: where event i begins in ARGV; its id comes next.
local starts, ids, at = {}, {}, firstEvent
while at <= #ARGV do
  starts[#starts + 1], ids[#ids + 1] = at, ARGV[at + 1]
  at = at + valuesOf[ARGV[at]] + 1
end
local isRemembered = dedupeMs > 0
if isRemembered then openBuckets() end
local recalled = isRemembered and recall(ids) or {}
local hasMadeRoom, mayShorten = false, keepForMs ~= '0'

-- Most calls trim nothing. Those that do make the functions for it (a call with one event takes a tenth less).
local function trimming()
${trimLua}
  return { makeRoom = makeRoom, dropOldest = dropOldest }
end

-- Returns whether it has trimmed anything.
local function trimSome(atLeast, forMs)
  local required = { unpack(ARGV, MORE_ARGS, firstEvent - 1) }
  local trimmed = trimming().makeRoom(required, tonumber(atLeast), tonumber(forMs))
  length = redis.call('XLEN', stream)
  return trimmed > 0
end
-- How many of the events from here on are not in the stream yet.
local function leftFrom(i)
  local left, isCounted = 0, {}
  for n = i, #ids do
    local id = ids[n]
    if not (recalled[id] or isCounted[id]) then left = left + 1 end
    isCounted[id] = isRemembered
  end
  return left
end
local function isFull(i)
  if policy ~= 'acknowledged' or maxLength == 0 or length < maxLength then return false end
  if not hasMadeRoom then
    hasMadeRoom = true
    trimSome(keepAtLeast, keepForMs)
  end
  while mayShorten and length >= maxLength do
    -- What is merely kept gives way, as little of it as makes room: for all that is left of this batch at once, and for
    -- a hundredth of the cap, so that not every publish has to trim.
    local room = math.max(leftFrom(i), math.ceil(maxLength / 100))
    mayShorten = trimSome(math.max(keepAtLeast, maxLength - room), 0)
  end
  return length >= maxLength
end

local replies, new, hasDuplicates = {}, {}, false
for i, id in ipairs(ids) do
  local first = recalled[id]
  if first then
    replies[i] = { 'duplicate', first }
    hasDuplicates = true
  elseif isFull(i) then
    replies[i] = { 'full', tostring(length) }
  else
    local from = starts[i]
    local entryId = append[ARGV[from]](from)
    if type(entryId) == 'table' then
      -- A master that has become a replica: an error of the whole script, so that the producer connects again.
      if string.find(entryId.err, '^READONLY') then return entryId end
      replies[i] = { 'error', entryId.err }
    else
      replies[i] = entryId
      length = length + 1
      if isRemembered then
        recalled[id] = entryId
        new[#new + 1] = id
        new[#new + 1] = entryId
      end
    end
  end
end
if isRemembered then remember(new, hasDuplicates) end
if policy == 'maxlen' then trimming().dropOldest(maxLength, dropped, groupFormat) end
return replies
`,
)
