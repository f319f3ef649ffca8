import { enqueueOne, prelude } from "./prelude.ts";

/**
 * Enqueues many tasks of one queue (asynq: rdb.go, enqueueCmd, enqueueUniqueCmd, scheduleCmd, addToGroupCmd). A call that has been made already is only
 * answered again: whoever lost the reply, and a connection with it, may repeat it.
 *
 * KEYS[1] prefix · ARGV: call, ms, us, then a list, packed: 8 values per task · answers one letter each.
 */
export const enqueueScript = `${prelude}${enqueueOne}
local P = KEYS[1]
local done = P .. 'sv:call:' .. ARGV[1]
local known = call('GET', done)
if known then return known end
local ms, us = tonumber(ARGV[2]), tonumber(ARGV[3])
local T = cmsgpack.unpack(ARGV[4])
local answers, pending = {}, {}
local tasks, seen = {}, {}
for i = 1, #T, 8 do tasks[#tasks + 1] = P .. 't:' .. T[i] end
local are_new = call('EXISTS', unpack(tasks)) == 0
for i = 1, #T, 8 do
  local n, id = #answers + 1, T[i]
  local state
  if are_new and not seen[id] and T[i + 2] == '' and T[i + 3] == '' and T[i + 4] == '' and T[i + 6] == '' and T[i + 7] == '' then
    call('HSET', tasks[n], 'msg', T[i + 1], 'state', 'pending', 'pending_since', since_of(us + n))
    state = 'p'
  else
    state = enqueue(P, id, T[i + 1], T[i + 2], T[i + 3], T[i + 4], T[i + 5], T[i + 6], T[i + 7], ms, us + n)
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
