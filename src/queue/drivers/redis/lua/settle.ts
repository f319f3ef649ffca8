import { heldScore } from "../keys.ts";
import { enqueueOne, fitOrRefuse, prelude } from "./prelude.ts";

const fence = `
local function fence(P, ids)
  local claims = call('HMGET', P .. 'sv:owners', unpack(ids))
  local ends = call('ZMSCORE', P .. 'lease', unpack(ids))
  return function(n, claim, latest)
    return claims[n] == claim and ends[n] and tonumber(ends[n]) <= tonumber(latest)
  end
end
`;

/**
 * Settles many deliveries of one queue, in their order (asynq: rdb.go, doneCmd, markAsCompleteCmd, retryCmd,
 * archiveCmd, requeueCmd, one each). A delivery is ours while its claim is the one that
 * `sv:owners` names, and its lease ends no later than we said: asynq, which knows no owners, gives out another one
 * only when ours has run out. What we said may never have been granted, so the time alone tells nothing. Otherwise the answer is `l`. `s`: settled. `r`: to be held, but nobody blocks its key,
 * or it does so itself: released.
 *
 * KEYS[1] prefix · ARGV: ms, us, day, when the day's counters end, oldest archived (seconds), most archived, the call's name
 * (its answer is kept, for whoever loses the reply: callScript in lua/enqueue.ts), then a packed list of operations: a tag, the id, the claim, the latest end of the lease, and what the tag needs. `x` enqueues a task when the
 * operation before it was settled: prefix of its queue, and the 8 values of a task. `n` comes before such an operation: the
 * key of that task ("": it is known to be taken) and a message; when the key exists the delivery is archived with that message
 * instead, and the answer is `d`. `b` makes a delivery block a key that
 * nothing blocks, or that the task named last does. Most are plain acks (no lock, nothing
 * kept): those of one claim come together, as `A`, the claim, the latest end, how many, and the ids.
 */
export const settleScript = `${prelude}${fitOrRefuse}${enqueueOne}${fence}
local P = KEYS[1]
call('UNLINK', P .. 'sv:')
local ms, us, day, expire = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3], ARGV[4]
local arity = { a = 5, c = 8, r = 9, d = 5, l = 4, h = 5, b = 6, n = 3, x = 10 }
local ops, ids, known = {}, {}, 0
local T = cmsgpack.unpack(ARGV[8])
local i, last = 1, #T
while i <= last do
  local tag = T[i]
  ops[#ops + 1] = i
  if tag == 'A' then
    local n = tonumber(T[i + 3])
    for k = 1, n do ids[known + k] = T[i + 3 + k] end
    known = known + n
    i = i + 4 + n
  else
    if tag ~= 'x' and tag ~= 'n' then
      known = known + 1
      ids[known] = T[i + 1]
    end
    i = i + arity[tag]
  end
end
local gone, tasks, placed, seen = {}, {}, {}, {}
local processed, failed, index = 0, 0, 0
local answers, prefix, taken = {}, P .. 't:', nil
local is_blocking = call('EXISTS', P .. 'sv:blocked') == 1
local ours = fence(P, ids)
local function go_on(task, id)
  local key = call('HGET', task, 'blocks')
  if key then
    call('HDEL', task, 'blocks')
    unblock(P, key, id)
  end
end
for _, at in ipairs(ops) do
  local tag, id = T[at], T[at + 1]
  if tag == 'A' then
    local claim, latest = id, tonumber(T[at + 2])
    local answered, left, done, before = #answers, #gone, #tasks, #gone
    for k = 1, tonumber(T[at + 3]) do
      index = index + 1
      id = T[at + 3 + k]
      local answer = 'l'
      if not seen[id] and ours(index, claim, latest) then
        seen[id] = true
        answer = 's'
        left, done = left + 1, done + 1
        gone[left] = id
        tasks[done] = prefix .. id
        if is_blocking then go_on(tasks[done], id) end
      end
      answers[answered + k] = answer
    end
    processed = processed + left - before
  elseif tag == 'x' then
    if answers[#answers] == 's' then
      local Q = T[at + 1]
      local state = enqueue(Q, T[at + 2], T[at + 3], T[at + 4], T[at + 5], T[at + 6], T[at + 7], T[at + 8], T[at + 9], ms, us)
      if state == 'p' then call('LPUSH', Q .. 'pending', T[at + 2]) end
    end
  elseif tag == 'n' then
    if #tasks > 0 then call('DEL', unpack(tasks)) end
    tasks = {}
    taken = (id == '' or call('EXISTS', id) == 1) and T[at + 2] or nil
  elseif tag == 'b' then
    index = index + 1
    local key, from = T[at + 4], T[at + 5]
    local may = from == '' and call('HEXISTS', P .. 'sv:blocked', key) == 0
      or from ~= '' and call('HGET', prefix .. from, 'blocks') == key
    if may and not seen[id] and ours(index, T[at + 2], T[at + 3]) then
      block(P, key, id, us + index)
      is_blocking = true
    end
  else
    index = index + 1
    local answer, instead = 'l', taken
    taken = nil
    if not seen[id] and ours(index, T[at + 2], T[at + 3]) then
      seen[id] = true
      answer = 's'
      if instead then tag, answer = 'd', 'd' end
      local task = P .. 't:' .. id
      gone[#gone + 1] = id
      if tag == 'a' then
        processed = processed + 1
        unlock(T[at + 4], id)
        tasks[#tasks + 1] = task
      elseif tag == 'c' then
        processed = processed + 1
        unlock(T[at + 4], id)
        call('ZADD', P .. 'completed', T[at + 6], id)
        call('HSET', task, 'msg', T[at + 5], 'state', 'completed', 'result', T[at + 7])
      elseif tag == 'r' then
        if T[at + 6] == '1' then processed, failed = processed + 1, failed + 1 end
        wait_until(P, 'retry', id, tonumber(T[at + 5]), ms)
        call('HSET', task, 'msg', T[at + 4], 'state', 'retry', 'at', T[at + 8])
        if T[at + 7] ~= '' then
          block(P, T[at + 7], id, us + index)
          is_blocking = true
        end
      elseif tag == 'd' then
        processed, failed = processed + 1, failed + 1
        call('ZADD', P .. 'archived', math.floor(ms / 1000), id)
        call('HSET', task, 'msg', instead or T[at + 4], 'state', 'archived')
      elseif tag == 'h' and call('HEXISTS', P .. 'sv:blocked', T[at + 4]) == 1
        and call('HGET', task, 'blocks') ~= T[at + 4] then
        local since = call('HGET', task, 'pending_since') or '0'
        call('ZADD', P .. 'scheduled', HELD, id)
        call('ZADD', P .. 'sv:held:' .. T[at + 4], since == '0' and '0' or string.sub(since, 1, -4), id)
        call('HSET', task, 'state', 'scheduled', 'held', T[at + 4])
      else
        if tag == 'h' then answer = 'r' end
        call('HSET', task, 'state', 'pending')
        placed[#placed + 1] = id
      end
      if is_blocking and (tag == 'a' or tag == 'c' or tag == 'd') then go_on(task, id) end
    end
    answers[#answers + 1] = answer
  end
end
leave(P, gone)
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
local answer = table.concat(answers)
call('SET', P .. 'sv:call:' .. ARGV[7], answer, 'EX', 120)
return answer
`.replaceAll("HELD", String(heldScore));

/**
 * Renews leases (asynq: rdb.go, ExtendLease, which renews whoever's it is); answers a letter each: `s` or `l`.
 *
 * KEYS[1] prefix · ARGV: when the leases end (s), then id, claim and latest end of each
 */
export const extendScript = `${prelude}${fence}
local P = KEYS[1]
call('UNLINK', P .. 'sv:')
local ids, leases, answers = {}, {}, {}
for i = 2, #ARGV, 3 do ids[#ids + 1] = ARGV[i] end
local ours = fence(P, ids)
for n, id in ipairs(ids) do
  if ours(n, ARGV[n * 3], ARGV[n * 3 + 1]) then
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

/** A minus in front of their `crashes`: lua/prelude.ts. KEYS[1] prefix · ARGV: id and claim of each */
export const beginScript = `
local P = KEYS[1]
redis.call('UNLINK', P .. 'sv:')
for i = 1, #ARGV, 2 do
  local task = P .. 't:' .. ARGV[i]
  if redis.call('HGET', P .. 'sv:owners', ARGV[i]) == ARGV[i + 1] then
    local n = tonumber(redis.call('HGET', task, 'crashes') or '0')
    if n > 0 then redis.call('HSET', task, 'crashes', -n) end
  end
end
`;

/** What is kept begins with the claim: it is of no other attempt. KEYS[1] prefix · ARGV: id, claim, text */
export const progressScript = `
local task = KEYS[1] .. 't:' .. ARGV[1]
if redis.call('HGET', KEYS[1] .. 'sv:owners', ARGV[1]) == ARGV[2] then redis.call('HSET', task, 'progress', ARGV[2] .. '\\n' .. ARGV[3]) end
return 1
`;
