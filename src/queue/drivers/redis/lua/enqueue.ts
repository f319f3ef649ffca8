import { enqueueOne, fitOrRefuse, prelude } from "./prelude.ts";

/**
 * Enqueues many tasks of one queue (asynq: rdb.go, enqueueCmd, enqueueUniqueCmd, scheduleCmd, addToGroupCmd). A call that has been made already is only
 * answered again: whoever lost the reply, and a connection with it, may repeat it.
 *
 * KEYS[1] prefix · ARGV: call, ms, us, how many values a task has, and a packed list of them: all 8 of each task; or 3 (id,
 * message, pending since) where none has any of the others and no two have the same id · answers one letter each.
 */
export const enqueueScript = `${prelude}${fitOrRefuse}${enqueueOne}
local P = KEYS[1]
local done = P .. 'sv:call:' .. ARGV[1]
local known = call('GET', done)
if known then return known end
local ms, us = tonumber(ARGV[2]), tonumber(ARGV[3])
local size, T = tonumber(ARGV[4]), cmsgpack.unpack(ARGV[5])
local answer
local pending, last = {}, 0
local function add_plain(prefix)
  local tasks = {}
  for i = 1, #T, 3 do
    last = last + 1
    pending[last] = T[i]
    tasks[last] = prefix .. T[i]
  end
  if call('EXISTS', unpack(tasks)) > 0 then return false end
  for n = 1, last do
    call('HSET', tasks[n], 'msg', T[n * 3 - 1], 'state', 'pending', 'pending_since', T[n * 3])
  end
  return true
end
if size == 3 and add_plain(P .. 't:') then
  answer = string.rep('p', last)
else
  local answers, n = {}, 0
  pending, last = {}, 0
  for i = 1, #T, size do
    n = n + 1
    local state = size == 3 and enqueue(P, T[i], T[i + 1], '', '', '', '', '', '', ms, us + n)
      or size == 8 and enqueue(P, T[i], T[i + 1], T[i + 2], T[i + 3], T[i + 4], T[i + 5], T[i + 6], T[i + 7], ms, us + n)
    if state == 'p' then
      last = last + 1
      pending[last] = T[i]
    end
    answers[n] = state
  end
  answer = table.concat(answers)
end
if last > 0 then chunks('LPUSH', P .. 'pending', pending) end
call('SET', done, answer, 'EX', 120)
return answer
`;

/** What became of an earlier call. KEYS[1] prefix · ARGV: call */
export const callScript = `return redis.call('GET', KEYS[1] .. 'sv:call:' .. ARGV[1])`;
