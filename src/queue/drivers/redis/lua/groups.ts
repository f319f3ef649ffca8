import { enqueueOne, prelude } from "./prelude.ts";

/**
 * Makes a set of each group that is due (asynq: rdb.go, aggregationCheckCmd, readAggregationSetCmd), with times exact
 * to the millisecond where tasks came from us. A set that nobody commits in two minutes is a group again (tend.ts).
 *
 * KEYS[1] prefix · ARGV: ms, grace, max delay, max size, unique part of set ids
 * Answers { group, set id, { { id, message, at, key, exact } … } } …
 */
export const dueGroupsScript = `${prelude}
local P, ms = KEYS[1], tonumber(ARGV[1])
local grace, max_delay, max_size = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local answers = {}
local function is_due(group, size)
  local set = P .. 'g:' .. group
  if max_size > 0 and size >= max_size then return true end
  local oldest = call('ZRANGE', set, 0, 0, 'WITHSCORES')
  local came = tonumber(call('HGET', P .. 't:' .. oldest[1], 'at') or oldest[2] * 1000)
  if max_delay > 0 and came <= ms - max_delay then return true end
  local last = call('ZREVRANGE', set, 0, 0, 'WITHSCORES')[2] * 1000
  last = math.max(last, tonumber(call('HGET', P .. 'sv:last', group) or 0))
  return grace > 0 and last <= ms - grace
end
for n, group in ipairs(call('SMEMBERS', P .. 'groups')) do
  local set = P .. 'g:' .. group
  local size = call('ZCARD', set)
  if size == 0 then
    call('SREM', P .. 'groups', group)
    call('HDEL', P .. 'sv:last', group)
  elseif #answers < 20 and is_due(group, size) then
    local taken = max_size > 0 and math.min(size, max_size) or size
    local id = ARGV[5] .. '-' .. n
    local members = call('ZRANGE', set, 0, taken - 1, 'WITHSCORES')
    local tasks = {}
    for i = 1, #members, 2 do
      call('ZADD', set .. ':' .. id, members[i + 1], members[i])
      local f = call('HMGET', P .. 't:' .. members[i], 'msg', 'at', 'key', 'exact')
      if f[1] then tasks[#tasks + 1] = { members[i], f[1], f[2], f[3], f[4] } end
    end
    call('ZREMRANGEBYRANK', set, 0, taken - 1)
    call('ZADD', P .. 'aggregation_sets', math.floor(ms / 1000) + 120, set .. ':' .. id)
    if taken == size then
      call('SREM', P .. 'groups', group)
      call('HDEL', P .. 'sv:last', group)
    end
    answers[#answers + 1] = { group, id, tasks }
  end
end
return answers
`;

/**
 * Enqueues the task that a group became, and removes the group's (asynq does it in two steps: aggregator.go).
 *
 * KEYS[1] prefix · ARGV: group, set id, ms, us, prefix of the task's queue, the task's 8 values · answers `s`, `l` (lost), or
 * `c` or `d`, as `enqueue`: nothing is changed
 */
export const commitGroupScript = `${prelude}${enqueueOne}
local P = KEYS[1]
local set = P .. 'g:' .. ARGV[1] .. ':' .. ARGV[2]
if not call('ZSCORE', P .. 'aggregation_sets', set) then return 'l' end
if ARGV[6] then
  local id, lock = ARGV[6], ARGV[10]
  if call('EXISTS', ARGV[5] .. 't:' .. id) == 1 and not (ARGV[5] == P and call('ZSCORE', set, id)) then return 'c' end
  local holder = lock ~= '' and call('GET', lock)
  if holder and not call('ZSCORE', set, holder) then return 'd' end
end
call('ZREM', P .. 'aggregation_sets', set)
for _, id in ipairs(call('ZRANGE', set, 0, -1)) do
  unlock(call('HGET', P .. 't:' .. id, 'unique_key'), id)
  call('UNLINK', P .. 't:' .. id)
end
call('UNLINK', set)
if ARGV[6] then
  local state = enqueue(ARGV[5], ARGV[6], ARGV[7], ARGV[8], ARGV[9], ARGV[10], ARGV[11], ARGV[12], ARGV[13], tonumber(ARGV[3]), tonumber(ARGV[4]))
  if state == 'p' then call('LPUSH', ARGV[5] .. 'pending', ARGV[6]) end
end
return 's'
`;

/** Makes a set a group again (asynq: rdb.go, reclaimStateAggregationSetsCmd). KEYS[1] prefix · ARGV: group, set id */
export const releaseGroupScript = `${prelude}
local P = KEYS[1]
local set = P .. 'g:' .. ARGV[1] .. ':' .. ARGV[2]
if call('ZREM', P .. 'aggregation_sets', set) == 0 then return 0 end
local members = call('ZRANGE', set, 0, -1, 'WITHSCORES')
for i = 1, #members, 2 do call('ZADD', P .. 'g:' .. ARGV[1], members[i + 1], members[i]) end
if #members > 0 then call('SADD', P .. 'groups', ARGV[1]) end
call('UNLINK', set)
return 1
`;
