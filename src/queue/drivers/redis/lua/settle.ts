import { heldScore } from "../keys.ts";
import { common, enqueueOne } from "./common.ts";

/**
 * Settles many deliveries of one queue, in their order (asynq: rdb.go, doneCmd, markAsCompleteCmd, retryCmd,
 * archiveCmd, requeueCmd, one each). A delivery is ours while its lease has the score of one of ours and the task names
 * our owner; otherwise the answer is `l`. `s`: settled. `r`: to be held, but nobody blocks its key: released.
 *
 * KEYS[1] prefix · ARGV: ms, us, day, when the day's counters end, oldest archived (seconds), most archived, then
 * operations: a tag, the id, the owner, and what the tag needs. `x` enqueues a task when the
 * operation before it was settled: prefix of its queue, and the 8 values of a task.
 */
export const settleScript = `${common}${enqueueOne}
local P = KEYS[1]
call('UNLINK', P .. 'sv:')
local ms, us, day, expire = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3], ARGV[4]
local arity = { a = 4, c = 7, r = 8, d = 4, l = 3, h = 4, x = 10 }
local ops, ids = {}, {}
local i = 7
while i <= #ARGV do
  ops[#ops + 1] = i
  if ARGV[i] ~= 'x' then ids[#ids + 1] = ARGV[i + 1] end
  i = i + arity[ARGV[i]]
end
local leases = call('ZMSCORE', P .. 'lease', unpack(ids))
local gone, tasks, placed, seen = {}, {}, {}, {}
local processed, failed, index = 0, 0, 0
local answers = {}
local function ours(id, owner, score)
  if not score or not string.find(score, '.', 1, true) or seen[id] then return false end
  local f = call('HMGET', P .. 't:' .. id, 'owner', 'blocks')
  if f[1] ~= owner then return false end
  seen[id] = true
  return true, f[2]
end
for _, at in ipairs(ops) do
  local tag, id = ARGV[at], ARGV[at + 1]
  if tag == 'x' then
    if answers[#answers] == 's' then
      local Q = ARGV[at + 1]
      local state = enqueue(Q, ARGV[at + 2], ARGV[at + 3], ARGV[at + 4], ARGV[at + 5], ARGV[at + 6], ARGV[at + 7], ARGV[at + 8], ARGV[at + 9], ms, us)
      if state == 'p' then call('LPUSH', Q .. 'pending', ARGV[at + 2]) end
    end
  else
    index = index + 1
    local answer = 'l'
    local is_ours, blocks = ours(id, ARGV[at + 2], leases[index])
    if is_ours then
      answer = 's'
      local task = P .. 't:' .. id
      call('LREM', P .. 'active', -1, id)
      gone[#gone + 1] = id
      if tag == 'a' then
        processed = processed + 1
        unlock(ARGV[at + 3], id)
        tasks[#tasks + 1] = task
      elseif tag == 'c' then
        processed = processed + 1
        unlock(ARGV[at + 3], id)
        call('ZADD', P .. 'completed', ARGV[at + 5], id)
        call('HSET', task, 'msg', ARGV[at + 4], 'state', 'completed', 'result', ARGV[at + 6])
        call('HDEL', task, 'owner', 'blocks')
      elseif tag == 'r' then
        if ARGV[at + 5] == '1' then processed, failed = processed + 1, failed + 1 end
        wait_until(P, 'retry', id, tonumber(ARGV[at + 4]), ms)
        call('HSET', task, 'msg', ARGV[at + 3], 'state', 'retry', 'at', ARGV[at + 7])
        call('HDEL', task, 'owner')
        if ARGV[at + 6] ~= '' and call('HSETNX', P .. 'sv:blocked', ARGV[at + 6], id) == 1 then
          call('HSET', task, 'blocks', ARGV[at + 6])
        end
      elseif tag == 'd' then
        processed, failed = processed + 1, failed + 1
        call('ZADD', P .. 'archived', math.floor(ms / 1000), id)
        call('HSET', task, 'msg', ARGV[at + 3], 'state', 'archived')
        call('HDEL', task, 'owner', 'blocks')
      elseif tag == 'h' and call('HEXISTS', P .. 'sv:blocked', ARGV[at + 3]) == 1 then
        local since = call('HGET', task, 'pending_since') or '0'
        call('ZADD', P .. 'scheduled', HELD, id)
        call('ZADD', P .. 'sv:held:' .. ARGV[at + 3], since == '0' and '0' or string.sub(since, 1, -4), id)
        call('HSET', task, 'state', 'scheduled', 'held', ARGV[at + 3])
        call('HDEL', task, 'owner')
      else
        if tag == 'h' then answer = 'r' end
        call('HSET', task, 'state', 'pending')
        call('HDEL', task, 'owner')
        placed[#placed + 1] = id
      end
      if blocks and (tag == 'a' or tag == 'c' or tag == 'd') then unblock(P, blocks, id) end
    end
    answers[#answers + 1] = answer
  end
end
if #gone > 0 then call('ZREM', P .. 'lease', unpack(gone)) end
if #tasks > 0 then call('DEL', unpack(tasks)) end
place(P, placed)
count(P, 'processed', day, processed, expire)
count(P, 'failed', day, failed, expire)
if failed > 0 then
  local old = call('ZRANGEBYSCORE', P .. 'archived', '-inf', ARGV[5], 'LIMIT', 0, 1000)
  local extra = call('ZRANGE', P .. 'archived', 0, -1 - tonumber(ARGV[6]))
  for _, list in ipairs({ old, extra }) do
    for n = 1, math.min(#list, 1000) do
      unlock(call('HGET', P .. 't:' .. list[n], 'unique_key'), list[n])
      call('ZREM', P .. 'archived', list[n])
      call('UNLINK', P .. 't:' .. list[n])
    end
  end
end
return table.concat(answers)
`.replaceAll("HELD", String(heldScore));

/**
 * Renews leases (asynq: rdb.go, ExtendLease, which renews whoever's it is); answers a letter each: `s` or `l`.
 *
 * KEYS[1] prefix · ARGV: lease score, then id and owner of each
 */
export const extendScript = `${common}
local P = KEYS[1]
call('UNLINK', P .. 'sv:')
local ids, leases, answers = {}, {}, {}
for i = 2, #ARGV, 2 do ids[#ids + 1] = ARGV[i] end
local scores = call('ZMSCORE', P .. 'lease', unpack(ids))
for n, id in ipairs(ids) do
  local held = scores[n] and string.find(scores[n], '.', 1, true)
  if held and call('HGET', P .. 't:' .. id, 'owner') == ARGV[n * 2 + 1] then
    leases[#leases + 1] = ARGV[1]
    leases[#leases + 1] = id
    answers[n] = 's'
  else
    answers[n] = 'l'
  end
end
if #leases > 0 then chunks('ZADD', P .. 'lease', leases) end
return table.concat(answers)
`;

/** KEYS[1] prefix · ARGV: id, owner, text */
export const progressScript = `
local task = KEYS[1] .. 't:' .. ARGV[1]
if redis.call('HGET', task, 'owner') == ARGV[2] then redis.call('HSET', task, 'progress', ARGV[3]) end
return 1
`;
