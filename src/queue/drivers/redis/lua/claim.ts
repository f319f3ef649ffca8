import { common } from "./common.ts";

/**
 * Claims up to `max` tasks of one or several queues (asynq: rdb.go, dequeueCmd, one at a time): first each queue's
 * share, then what is left of `max`, in the given order. What has come due is forwarded before. A lease of ours has a
 * score that is no whole second: asynq's are, so one that asynq gave out is never taken for ours.
 *
 * KEYS prefixes · ARGV: max, ms, lease score, owner, then a share per queue · answers, per queue, { paused, next
 * due in ms, tasks }, each task { id, message, pending since, crashes, at, key, exact }.
 */
export const claimScript = `${common}
local max, ms = tonumber(ARGV[1]), tonumber(ARGV[2])
local left = max
local answers = {}
local function take(i, n)
  local P, tasks = KEYS[i], answers[i][3]
  if n <= 0 then return end
  local ids = call('RPOP', P .. 'pending', n)
  if not ids then return end
  local active, leases = {}, {}
  for _, id in ipairs(ids) do
    local task = P .. 't:' .. id
    local f = call('HMGET', task, 'msg', 'pending_since', 'crashes', 'at', 'key', 'exact')
    if f[1] then
      call('HSET', task, 'state', 'active', 'owner', ARGV[4])
      active[#active + 1] = id
      leases[#leases + 1] = ARGV[3]
      leases[#leases + 1] = id
      tasks[#tasks + 1] = { id, f[1], f[2], f[3], f[4], f[5], f[6] }
      left = left - 1
    end
  end
  if #active > 0 then
    chunks('LPUSH', P .. 'active', active)
    chunks('ZADD', P .. 'lease', leases)
  end
end
for i = 1, #KEYS do
  local P = KEYS[i]
  call('UNLINK', P .. 'sv:')
  forward(P, ms)
  answers[i] = { call('EXISTS', P .. 'paused'), next_due(P), {} }
end
for i = 1, #KEYS do
  if answers[i][1] == 0 then take(i, math.min(left, tonumber(ARGV[4 + i]))) end
end
for i = 1, #KEYS do
  if left > 0 and answers[i][1] == 0 then take(i, left) end
end
return answers
`;
