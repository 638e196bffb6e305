import { script } from '../script.ts'
import { LEASE_PREFIX } from '../tally.ts'
import { compareIdsLua, groupTimeLua, infoLua, pseudoConsumersLua } from './fragments.ts'
import { leasesLua, tellLeaseLua } from './tally.ts'

/** Entries that one call moves at most, so that no call holds Redis up for long. */
const PAGE = 500

/**
 * Creates the group, and the stream with it, from its low-water mark; from the beginning where there is no mark, or the
 * stream ends before the mark: then the stream is a new one. Tells the lease of the consumer that joins.
 *
 * Returns { 1 if created or 0 if it existed, the id that a new group starts after, the newest id }.
 */
export const CREATE_GROUP = script(
  { keys: ['stream', 'marks', 'history', 'due', 'tally'], args: ['group', 'consumer', 'leaseMs'], allowOom: true },
  `
${compareIdsLua}
${infoLua}
${leasesLua}
${tellLeaseLua}
local start = string.match(redis.call('HGET', marks, group) or '0', '^%S+')
local newest = redis.call('EXISTS', stream) == 1 and streamInfo(stream)['last-generated-id']
if start ~= '0' and (not newest or compareIds(newest, start) < 0) then start = '0' end
local reply = redis.pcall('XGROUP', 'CREATE', stream, group, start, 'MKSTREAM')
local isNew = not reply.err
if not isNew and not string.find(reply.err, 'BUSYGROUP', 1, true) then return reply end
-- The new group delivers everything as attempt 1, so errors of earlier deliveries are deleted. Not if the stream is
-- gone: somebody may have renamed it, and may rename it back.
if isNew and newest then redis.call('DEL', history, due) end
tellLease(consumer, leaseMs)
return { isNew and 1 or 0, start, newest or '0-0' }
`,
)

/**
 * Takes over the keys that an older version derived from a stream `{x}`, unless a stream `x` exists: the same keys are
 * those of `x`. Where they are not taken over, a group that is gone has no low-water mark: it is delivered everything
 * once more, and nothing is lost.
 *
 * More keys: old key, new key, for each.   Returns how many keys.
 */
export const ADOPT_KEYS = script(
  { keys: ['plain'], allowOom: true },
  `
if redis.call('EXISTS', plain) == 1 then return 0 end
local adopted = 0
for i = MORE_KEYS, #KEYS, 2 do
  if redis.call('EXISTS', KEYS[i]) == 1 then adopted = adopted + redis.call('RENAMENX', KEYS[i], KEYS[i + 1]) end
end
return adopted
`,
)

/**
 * Moves entries that a dead process held under this consumer's names to other names. They are claimed at once, and
 * charged like the entries of any dead consumer.
 *
 * More arguments: old name, new name, for each.   Returns 1 if there are more to move, or 0.
 */
export const DISOWN = script(
  { keys: ['stream'], args: ['group'], allowOom: true },
  `
local hasMore = 0
for i = MORE_ARGS, #ARGV, 2 do
  local page = redis.call('XPENDING', stream, group, '-', '+', ${PAGE}, ARGV[i])
  for _, entry in ipairs(page) do
    redis.call('XCLAIM', stream, group, ARGV[i + 1], 0, entry[1], 'JUSTID')
  end
  if #page == ${PAGE} then hasMore = 1 end
end
return hasMore
`,
)

/**
 * Releases, uncharged, the entries that Redis lists under the names of a consumer that leaves and holds nothing: their
 * reply was lost. Those under its names for suspects become suspects that any consumer may take at once.
 *
 * Returns 1 if there are more to release, or 0.
 */
export const RELEASE_REST = script(
  {
    keys: ['stream', 'due', 'clock'],
    args: ['group', 'consumer', 'alone', 'suspect'],
    allowOom: true,
  },
  `
${pseudoConsumersLua}
${groupTimeLua}
local hasMore = 0
local function release(name, putUnder)
  local page = redis.call('XPENDING', stream, group, '-', '+', ${PAGE}, name)
  for _, entry in ipairs(page) do
    local id, before = entry[1], math.max(0, entry[4] - 1)
    local moved = redis.call('XCLAIM', stream, group, putUnder, 0, id, 'RETRYCOUNT', before, 'JUSTID')[1]
    if moved and putUnder == RETRY then parkUntil(id, (groupTime())) end
  end
  if #page == ${PAGE} then hasMore = 1 end
end
release(consumer, RETRY)
release(alone, SUSPECTS)
release(suspect, SUSPECTS)
return hasMore
`,
)

/**
 * Deletes the names of a consumer that leaves, unless something is pending under them: then its lease stays, too.
 *
 * More arguments: the names.   Returns how many were deleted.
 */
export const FORGET_CONSUMER = script(
  { keys: ['stream', 'tally'], args: ['group', 'consumer'] },
  `
${infoLua}
local deleted, isLeft = 0, true
for _, info in ipairs(consumerInfos(stream, group)) do
  for i = MORE_ARGS, #ARGV do
    if info.name == ARGV[i] and info.pending == 0 then
      redis.call('XGROUP', 'DELCONSUMER', stream, group, info.name)
      deleted = deleted + 1
    elseif info.name == ARGV[i] then
      isLeft = false
    end
  end
end
if isLeft then redis.pcall('HDEL', tally, '${LEASE_PREFIX}' .. consumer) end
return deleted
`,
)
