import { heldScore } from "../keys.ts";
import { fitOrRefuse, prelude } from "./prelude.ts";

/**
 * A queue's numbers (asynq: inspect.go, currentStatsCmd). KEYS[1] prefix · ARGV: day, ms · answers pending, active,
 * scheduled, retry, archived, completed, aggregating, held, paused, processed, failed, both in total, and when the
 * oldest pending task became pending, in ns.
 */
export const statsScript = `${prelude}${fitOrRefuse}
local P = KEYS[1]
call('UNLINK', P .. 'sv:')
forward(P, tonumber(ARGV[2]))
expire(P, tonumber(ARGV[2]))
local held = call('ZCOUNT', P .. 'scheduled', ${heldScore}, '+inf')
local aggregating = 0
for _, group in ipairs(call('SMEMBERS', P .. 'groups')) do
  aggregating = aggregating + call('ZCARD', P .. 'g:' .. group)
end
for _, set in ipairs(call('ZRANGE', P .. 'aggregation_sets', 0, -1)) do
  aggregating = aggregating + call('ZCARD', set)
end
local oldest = call('LINDEX', P .. 'pending', -1)
local function number(name)
  local value = redis.pcall('GET', P .. name)
  return type(value) == 'string' and tonumber(value) and value or '0'
end
return {
  call('LLEN', P .. 'pending'), call('LLEN', P .. 'active'), call('ZCARD', P .. 'scheduled') - held,
  call('ZCARD', P .. 'retry'), call('ZCARD', P .. 'archived'), call('ZCARD', P .. 'completed'),
  aggregating, held, call('EXISTS', P .. 'paused'),
  number('processed:' .. ARGV[1]), number('failed:' .. ARGV[1]), number('processed'), number('failed'),
  oldest and call('HGET', P .. 't:' .. oldest, 'pending_since') or '0',
}
`;

/**
 * What a queue's tasks take, by a sample of twenty of each state (asynq: inspect.go, memoryUsageCmd).
 *
 * KEYS[1] prefix · answers bytes
 */
export const memoryScript = `${prelude}
local P, total = KEYS[1], 0
local function sample(key, ids, n)
  local sum = 0
  for _, id in ipairs(ids) do sum = sum + (call('MEMORY', 'USAGE', P .. 't:' .. id) or 0) end
  if #ids > 0 then total = total + sum / #ids * n end
  total = total + (call('MEMORY', 'USAGE', key) or 0)
end
for _, name in ipairs({ 'pending', 'active' }) do
  sample(P .. name, call('LRANGE', P .. name, 0, 19), call('LLEN', P .. name))
end
for _, name in ipairs({ 'scheduled', 'retry', 'archived', 'completed' }) do
  sample(P .. name, call('ZRANGE', P .. name, 0, 19), call('ZCARD', P .. name))
end
return math.floor(total)
`;

/**
 * Ids of one state from a place on, in the order in which operators see them.
 *
 * KEYS[1] prefix · ARGV: state, from, how many, ms
 */
export const idsScript = `${prelude}${fitOrRefuse}
local P, state, from, to = KEYS[1], ARGV[1], tonumber(ARGV[2]), ARGV[2] + ARGV[3] - 1
call('UNLINK', P .. 'sv:')
forward(P, tonumber(ARGV[4]))
expire(P, tonumber(ARGV[4]))
if state == 'pending' or state == 'active' then
  local ids = call('LRANGE', P .. state, -1 - to, -1 - from)
  local reversed = {}
  for i = #ids, 1, -1 do reversed[#reversed + 1] = ids[i] end
  return reversed
end
if state == 'held' then
  return call('ZRANGEBYSCORE', P .. 'scheduled', ${heldScore}, '+inf', 'LIMIT', from, ARGV[3])
end
if state == 'scheduled' then
  return call('ZRANGEBYSCORE', P .. state, '-inf', '(${heldScore}', 'LIMIT', from, ARGV[3])
end
if state == 'archived' or state == 'completed' then return call('ZREVRANGE', P .. state, from, to) end
if state == 'retry' then return call('ZRANGE', P .. state, from, to) end
local all = {}
local function add(set)
  for _, id in ipairs(call('ZRANGE', set, 0, -1)) do all[#all + 1] = id end
end
for _, set in ipairs(call('ZRANGE', P .. 'aggregation_sets', 0, -1)) do add(set) end
local groups = call('SMEMBERS', P .. 'groups')
table.sort(groups)
for _, group in ipairs(groups) do add(P .. 'g:' .. group) end
local page = {}
for i = from + 1, math.min(to + 1, #all) do page[#page + 1] = all[i] end
return page
`;

/**
 * Tasks with all that is known of them. KEYS[1] prefix · ARGV: ids
 * Answers { id, message, state, run at (s), exact run at (ms), result, pending since, at, key, group, owner, held,
 * progress, exact } for each that exists.
 */
export const tasksScript = `${prelude}
local P, answers = KEYS[1], {}
for _, id in ipairs(ARGV) do
  local f = call('HMGET', P .. 't:' .. id, 'msg', 'state', 'result', 'pending_since', 'at', 'key', 'group', 'held', 'progress', 'exact')
  if f[1] then
    local due, exact = false, false
    if f[2] == 'scheduled' or f[2] == 'retry' then
      due = call('ZSCORE', P .. f[2], id)
      exact = call('ZSCORE', P .. 'sv:due', id)
    end
    answers[#answers + 1] = { id, f[1], f[2], due, exact, f[3], f[4], f[5], f[6], f[7], call('HGET', P .. 'sv:owners', id), f[8], f[9], f[10] }
  end
end
return answers
`;

/**
 * Acts on waiting or ended tasks of the states that are allowed (asynq: inspect.go, runTaskCmd, archiveTaskCmd,
 * deleteTaskCmd, which forget that the task's lock and the ones that wait for it concern others).
 *
 * KEYS[1] prefix · ARGV: action, ms, us, states it may be in (" scheduled retry …"), then id and message ("": as it is)
 * Answers how many it was done to.
 */
export const actScript = `${prelude}${fitOrRefuse}
local P, action, ms, us = KEYS[1], ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
call('UNLINK', P .. 'sv:')
local done = 0
for i = 5, #ARGV, 2 do
  local id = ARGV[i]
  local task = P .. 't:' .. id
  local f = call('HMGET', task, 'state', 'group', 'held', 'blocks', 'unique_key')
  local state = f[1] or ''
  if f[3] and state == 'scheduled' then state = 'held' end
  if f[1] and string.find(ARGV[4], ' ' .. state .. ' ', 1, true) then
    local found
    if state == 'pending' then
      found = call('LREM', P .. 'pending', -1, id)
    elseif state == 'aggregating' then
      found = call('ZREM', P .. 'g:' .. (f[2] or ''), id)
      if call('ZCARD', P .. 'g:' .. (f[2] or '')) == 0 then call('SREM', P .. 'groups', f[2] or '') end
    elseif state == 'held' then
      found = call('ZREM', P .. 'scheduled', id)
      call('ZREM', P .. 'sv:held:' .. f[3], id)
      call('HDEL', task, 'held')
    else
      found = call('ZREM', P .. state, id)
    end
    call('ZREM', P .. 'sv:due', id)
    if found == 1 then
      done = done + 1
      if action == 'delete' then
        unlock(f[5], id)
        call('DEL', task)
      elseif action == 'archive' then
        call('ZADD', P .. 'archived', math.floor(ms / 1000), id)
        call('HSET', task, 'state', 'archived')
      else
        if ARGV[i + 1] ~= '' then call('HSET', task, 'msg', ARGV[i + 1]) end
        call('HSET', task, 'state', 'pending', 'pending_since', since_of(us + done))
        call('HDEL', task, 'crashes', 'result')
        call('LPUSH', P .. 'pending', id)
      end
      if f[4] and action ~= 'run' and action ~= 'retry' then
        call('HDEL', task, 'blocks')
        unblock(P, f[4], id)
      end
    end
  end
end
return done
`;
