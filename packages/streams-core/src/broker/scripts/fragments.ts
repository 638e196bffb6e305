import { CIRCUIT_FIELD, PAUSED_FIELD, PAUSED_TYPE_FIELD } from '../../define/controls.ts'
import {
  ALONE_SUFFIX,
  LEFT_SUFFIX,
  RETRY_CONSUMER,
  SET_ASIDE_PREFIX,
  SUSPECT_SET_ASIDE_PREFIX,
  SUSPECT_SUFFIX,
  SUSPECTS,
} from '../pseudo-consumers.ts'

// Pieces of Lua that several scripts share.

/** `compareIds(a, b)`: -1, 0 or 1. Numbers of up to 20 digits do not fit a double, so they are compared as text. */
export const compareIdsLua = `
local function compareIds(a, b)
  if a == b then return 0 end
  local aMs, aSeq = string.match(a, '(%d+)-(%d+)')
  local bMs, bSeq = string.match(b, '(%d+)-(%d+)')
  local x, y = aMs, bMs
  if x == y then x, y = aSeq, bSeq end
  if x == y then return 0 end
  if #x ~= #y then return #x < #y and -1 or 1 end
  return x < y and -1 or 1
end
`

/** A call that has looked at, or claimed, so many bytes goes no further: so it holds Redis up for milliseconds only. */
export const ENOUGH_BYTES = 1_000_000

/**
 * XINFO's replies by field name: `streamInfo(stream)` is one table, `groupInfos(stream)` and
 * `consumerInfos(stream, group)` are lists of tables. Newer versions of Redis add fields, so no position is sure.
 */
export const infoLua = `
local function byName(flat)
  local info = {}
  for i = 1, #flat, 2 do info[flat[i]] = flat[i + 1] end
  return info
end
local function allByName(flats)
  for i, flat in ipairs(flats) do flats[i] = byName(flat) end
  return flats
end
local function streamInfo(stream) return byName(redis.call('XINFO', 'STREAM', stream)) end
local function groupInfos(stream) return allByName(redis.call('XINFO', 'GROUPS', stream)) end
local function consumerInfos(stream, group) return allByName(redis.call('XINFO', 'CONSUMERS', stream, group)) end
`

/** `nowMs()`: the server's clock in milliseconds. */
export const nowLua = `
local function nowMs()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end
`

/**
 * `isLocked(lock, lockMs, at)`: whether somebody else works under a lock, or did so less than `lockMs` ago. The value of the
 * lock begins with the time (ms) until which it is locked. A time further ahead is from before the clock was set back:
 * then the time to live of the key is wrong, too.
 */
export const lockLua = `
local function isLocked(lock, lockMs, at)
  local leftMs = (string.match(redis.call('GET', lock) or '0', '^%d+') or 0) - at
  return leftMs > 0 and leftMs <= tonumber(lockMs)
end
`

/**
 * `holds(id, owner, attempt)`: the name that an entry is pending under, if this very delivery is still its owner's (the
 * fencing token), or nil. While a suspect runs, its consumer moves it from one name of its own to the next, and may not
 * know whether it has: so its own name, `~suspect` and `~alone` are one owner.
 */
export const holdsLua = `
local function consumerOf(owner) return (string.gsub(string.gsub(owner, '${ALONE_SUFFIX}$', ''), '${SUSPECT_SUFFIX}$', '')) end
local function holds(id, owner, attempt)
  local pending = redis.call('XPENDING', stream, group, id, id, 1)[1]
  if not pending or pending[4] ~= tonumber(attempt) then return nil end
  local name = pending[2]
  return (name == owner or consumerOf(name) == consumerOf(owner)) and name or nil
end
`

/** `groupInfo()`: what XINFO says of the group, or nil where there is none. Uses `infoLua`. */
export const groupInfoLua = `
local function groupInfo()
  if redis.call('EXISTS', stream) == 0 then return nil end
  for _, info in ipairs(groupInfos(stream)) do
    if info.name == group then return info end
  end
end
`

/** `typeIn(fields)`: the first event type in an entry, or nil; and the bytes of all its values. */
export const typeLua = `
local function typeIn(fields)
  local type, bytes = nil, 0
  for i = 1, #fields, 2 do
    if fields[i] == 'type' then type = type or fields[i + 1] end
    bytes = bytes + #fields[i + 1]
  end
  return type, bytes
end
`

/**
 * Names of pseudo-consumers. `isAlone(name)`: it ends in `~alone`. `isSuspect(name)`: it ends in `~suspect`.
 * `isLeft(name)`: it holds `~left`. `typeSetAside(name)`: the event type whose entries it owns because that was paused,
 * and whether they are crash suspects. `isWaiting(name)`: nobody holds its entries, see `isWaitingName`.
 */
export const pseudoConsumersLua = `
local RETRY, SUSPECTS = '${RETRY_CONSUMER}', '${SUSPECTS}'
local function typeSetAside(name)
  if string.sub(name, 1, ${SET_ASIDE_PREFIX.length}) == '${SET_ASIDE_PREFIX}' then
    return string.sub(name, ${SET_ASIDE_PREFIX.length + 1}), false
  end
  if string.sub(name, 1, ${SUSPECT_SET_ASIDE_PREFIX.length}) == '${SUSPECT_SET_ASIDE_PREFIX}' then
    return string.sub(name, ${SUSPECT_SET_ASIDE_PREFIX.length + 1}), true
  end
end
local function isWaiting(name) return name == RETRY or typeSetAside(name) end
local function endsWith(name, suffix) return string.sub(name, -#suffix) == suffix and not typeSetAside(name) end
local function isAlone(name) return endsWith(name, '${ALONE_SUFFIX}') end
local function isLeft(name) return string.find(name, '${LEFT_SUFFIX}', 1, true) end
local function isSuspect(name) return endsWith(name, '${SUSPECT_SUFFIX}') end
`

/**
 * `inForce`: the controls of the group, as a table and as the flat list `inForceFlat`. `isPaused`: whether the group is
 * paused. `isTypePaused(type)`. Uses `infoLua`.
 */
export const controlsLua = `
local inForceFlat = redis.call('HGETALL', controls)
local inForce = byName(inForceFlat)
local isPaused = inForce['${PAUSED_FIELD}'] or inForce['${CIRCUIT_FIELD}']
local function isTypePaused(type) return inForce['${PAUSED_TYPE_FIELD}' .. type] end
`

/**
 * `lateBy(serverMs)`: how much later a call reaches Redis than the consumer expected; 0 where the consumer cannot tell.
 * `sentAt`: what Redis' clock shows at the time of sending, as far as the consumer can tell; empty if it cannot.
 */
export const lateLua = `
local function lateBy(serverMs) return sentAt == '' and 0 or serverMs - sentAt end
`

/**
 * `groupTime()`: the time of the group in milliseconds, which is Redis' clock, corrected so that it never goes back.
 * Further values: what Redis' clock shows, and by how much it is found to be set back, or 0.
 *
 * `parkUntil(id, dueAt)`: notes when an entry that `~retry` owns is due.
 */
export const groupTimeLua = `
${nowLua}
local function groupTime()
  local last, ahead = string.match(redis.call('GET', clock) or '0 0', '^(%d+) (%d+)$')
  local serverMs = nowMs()
  local backMs = math.max(0, last - serverMs - ahead)
  return serverMs + ahead + backMs, serverMs, backMs
end
local function parkUntil(id, dueAt)
  redis.call('ZADD', due, string.format('%.0f', dueAt), id)
end
`
