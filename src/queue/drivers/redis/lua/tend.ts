import { fitOrRefuse, prelude } from "./prelude.ts";

/**
 * What asynq's forwarder, recoverer and janitor do on clocks of their own (forwarder.go, recoverer.go, janitor.go), in
 * one step: what is due becomes pending; tasks whose lease ran out, and active ones without a lease (asynq's issue
 * 1144), go back to their old places and have crashed once more; stale sets of groups are groups again; completed tasks
 * end; keys whose blocking tasks are gone are unblocked.
 *
 * KEYS prefixes · ARGV: ms · answers, per queue, { next due in ms, pending, recovered, what is wrong with its keys }
 */
export const tendScript = `${prelude}
local ms = tonumber(ARGV[1])
local now = string.format('%.3f', ms / 1000)
local function recover(P, id, back)
  call('ZREM', P .. 'lease', id)
  call('HDEL', P .. 'sv:owners', id)
  call('LREM', P .. 'active', 0, id)
  local task = P .. 't:' .. id
  if call('HGET', task, 'state') ~= 'active' then return end
  crashed(task)
  call('HSET', task, 'state', 'pending')
  back[#back + 1] = id
end
local function regroup(P)
  for _, set in ipairs(call('ZRANGEBYSCORE', P .. 'aggregation_sets', '-inf', math.floor(ms / 1000))) do
    local group = string.sub(set, 1, string.find(set, ':[^:]*$') - 1)
    local members = call('ZRANGE', set, 0, -1, 'WITHSCORES')
    for i = 1, #members, 2 do call('ZADD', group, members[i + 1], members[i]) end
    if #members > 0 then call('SADD', P .. 'groups', string.sub(group, #P + 3)) end
    call('UNLINK', set)
    call('ZREM', P .. 'aggregation_sets', set)
  end
end
local function unblock_gone(P)
  local blocked = call('HGETALL', P .. 'sv:blocked')
  for i = 1, math.min(#blocked, 2000), 2 do
    for _, id in ipairs(call('ZRANGE', P .. 'sv:blockers:' .. blocked[i], 0, 99)) do
      local state = call('HGET', P .. 't:' .. id, 'state')
      if not state or state == 'archived' or state == 'completed' then unblock(P, blocked[i], id) end
    end
  end
end
local answers = {}
local function tend(P)
  local back = {}
  call('UNLINK', P .. 'sv:')
  forward(P, ms)
  for _, id in ipairs(call('ZRANGEBYSCORE', P .. 'lease', '-inf', now, 'LIMIT', 0, 1000)) do recover(P, id, back) end
  if call('LLEN', P .. 'active') > call('ZCARD', P .. 'lease') then
    for _, id in ipairs(call('LRANGE', P .. 'active', 0, -1)) do
      if not call('ZSCORE', P .. 'lease', id) then recover(P, id, back) end
    end
  end
  place(P, back)
  regroup(P)
  expire(P, ms)
  unblock_gone(P)
  return { next_due(P), call('LLEN', P .. 'pending'), #back }
end
for n, P in ipairs(KEYS) do
  local wrong = misfit(P)
  answers[n] = wrong and { '0', 0, 0, wrong } or tend(P)
end
return answers
`;

/** Who holds the leases of a queue. KEYS[1] prefix · answers id, owner, … */
export const ownersScript = `
local answer = {}
for _, id in ipairs(redis.call('ZRANGE', KEYS[1] .. 'lease', 0, 9999)) do
  answer[#answer + 1] = id
  answer[#answer + 1] = redis.call('HGET', KEYS[1] .. 'sv:owners', id) or ''
end
return answer
`;

/**
 * Takes leases from owners that are dead for certain, or that never heard of their claim: the tasks are pending in
 * their old places.
 *
 * KEYS[1] prefix · ARGV: 1 (they crashed) or 0, then id and owner of each · answers how many
 */
export const recoverScript = `${prelude}${fitOrRefuse}
local P, back = KEYS[1], {}
for i = 2, #ARGV, 2 do
  local id, task = ARGV[i], P .. 't:' .. ARGV[i]
  if call('HGET', P .. 'sv:owners', id) == ARGV[i + 1] and call('ZREM', P .. 'lease', id) == 1 then
    call('LREM', P .. 'active', 0, id)
    if ARGV[1] == '1' then crashed(task) end
    call('HSET', task, 'state', 'pending')
    call('HDEL', P .. 'sv:owners', id)
    back[#back + 1] = id
  end
end
place(P, back)
return #back
`;

/** Keys that are blocked, and by which task. KEYS[1] prefix · answers key, id, … */
export const blockedScript = `return redis.call('HGETALL', KEYS[1] .. 'sv:blocked')`;
