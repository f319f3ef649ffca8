import { prelude } from "./prelude.ts";

/**
 * Claims up to `max` tasks of one or several queues (asynq: rdb.go, dequeueCmd, one at a time): first each queue's
 * share, then what is left of `max`, in the given order. What has come due is forwarded before.
 *
 * KEYS prefixes · ARGV: max, ms, when the leases end (s), owner, then a share per queue · answers, per queue, { paused, next
 * due in ms, tasks }, the tasks packed, each { message, pending since, crashes, at, key, exact, id }.
 */
export const claimScript = `${prelude}
local max, ms = tonumber(ARGV[1]), tonumber(ARGV[2])
local left = max
local answers = {}
local function take(i, n)
  if n <= 0 then return end
  local P, tasks = KEYS[i], answers[i][3]
  local ids = call('RPOP', P .. 'pending', n)
  if not ids then return end
  local active, leases, owners, size = {}, {}, {}, 0
  local prefix, lease_end, owner = P .. 't:', ARGV[3], ARGV[4]
  for _, id in ipairs(ids) do
    local task = prefix .. id
    local f = call('HMGET', task, 'msg', 'pending_since', 'crashes', 'at', 'key', 'exact')
    if f[1] then
      call('HSET', task, 'state', 'active')
      size = size + 1
      active[size] = id
      leases[size * 2 - 1] = lease_end
      leases[size * 2] = id
      owners[size * 2 - 1] = id
      owners[size * 2] = owner
      f[7] = id
      tasks[#tasks + 1] = f
    end
  end
  left = left - size
  if size > 0 then
    chunks('LPUSH', P .. 'active', active)
    chunks('ZADD', P .. 'lease', leases)
    chunks('HSET', P .. 'sv:owners', owners)
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
for i = 1, #KEYS do answers[i][3] = cmsgpack.pack(answers[i][3]) end
return answers
`;
