import { enqueueOne, prelude } from "./prelude.ts";

/**
 * Enqueues many tasks of one queue (asynq: rdb.go, enqueueCmd, enqueueUniqueCmd, scheduleCmd, addToGroupCmd). A call that has been made already is only
 * answered again: whoever lost the reply, and a connection with it, may repeat it.
 *
 * KEYS[1] prefix · ARGV: call, ms, us, then 8 per task · answers one letter each.
 */
export const enqueueScript = `${prelude}${enqueueOne}
local P = KEYS[1]
local done = P .. 'sv:call:' .. ARGV[1]
local known = call('GET', done)
if known then return known end
local ms, us = tonumber(ARGV[2]), tonumber(ARGV[3])
local answers, pending = {}, {}
local tasks, seen = {}, {}
for i = 4, #ARGV, 8 do tasks[#tasks + 1] = P .. 't:' .. ARGV[i] end
local are_new = call('EXISTS', unpack(tasks)) == 0
for i = 4, #ARGV, 8 do
  local n, id = #answers + 1, ARGV[i]
  local state
  if are_new and not seen[id] and ARGV[i + 2] == '' and ARGV[i + 3] == '' and ARGV[i + 4] == '' and ARGV[i + 6] == '' and ARGV[i + 7] == '' then
    call('HSET', tasks[n], 'msg', ARGV[i + 1], 'state', 'pending', 'pending_since', since_of(us + n))
    state = 'p'
  else
    state = enqueue(P, id, ARGV[i + 1], ARGV[i + 2], ARGV[i + 3], ARGV[i + 4], ARGV[i + 5], ARGV[i + 6], ARGV[i + 7], ms, us + n)
  end
  seen[id] = true
  if state == 'p' then pending[#pending + 1] = id end
  answers[n] = state
end
if #pending > 0 then chunks('LPUSH', P .. 'pending', pending) end
local answer = table.concat(answers)
call('SET', done, answer, 'EX', 120)
return answer
`;

/** What became of an earlier call. KEYS[1] prefix · ARGV: call */
export const callScript = `return redis.call('GET', KEYS[1] .. 'sv:call:' .. ARGV[1])`;
