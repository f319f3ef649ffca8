import { prelude } from "./prelude.ts";

/**
 * Claims up to `max` tasks of one or several queues (asynq: rdb.go, dequeueCmd, one at a time): first each queue's
 * share, then what is left of `max`, in the given order. What has come due is forwarded before.
 *
 * KEYS prefixes · ARGV: max, ms, when the leases end (s), owner, then a share per queue · answers, per queue, { paused, next
 * due in ms, tasks, what is wrong with its keys }, the tasks packed: four values for each, which are id, message, pending since, and "" or { crashes,
 * at, key, exact }.
 *
 * `WIDE` is what a hash of owners has in its first, nameless field: with a value of more than 64 bytes Redis makes it a
 * table. As the list that it is otherwise, up to 512 fields, it would be searched from its beginning for each task.
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
  if call('EXISTS', P .. 'sv:returned') == 1 and call('DECRBY', P .. 'sv:returned', #ids) <= 0 then
    call('UNLINK', P .. 'sv:returned')
  end
  local active, leases, owners, size, last = {}, {}, { '', WIDE }, 0, #tasks
  local prefix, lease_end, owner = P .. 't:', ARGV[3], ARGV[4]
  for n = 1, #ids do
    local id = ids[n]
    local task = prefix .. id
    local f = redis.pcall('HMGET', task, 'msg', 'pending_since', 'crashes', 'at')
    local message, crashes, at = f[1], f[3], f[4]
    if message then
      call('HSET', task, 'state', 'active')
      size = size + 1
      active[size] = id
      leases[size * 2 - 1] = lease_end
      leases[size * 2] = id
      owners[size * 2 + 1] = id
      owners[size * 2 + 2] = owner
      local more = ''
      if crashes and string.byte(crashes) == 45 then
        crashes = string.sub(crashes, 2)
        call('HSET', task, 'crashes', crashes)
      end
      if crashes or at then
        local rest = call('HMGET', task, 'key', 'exact')
        more = { crashes, at, rest[1], rest[2] }
      end
      tasks[last + 1], tasks[last + 2], tasks[last + 3], tasks[last + 4] = id, message, f[2], more
      last = last + 4
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
  local wrong = misfit(P)
  if wrong then
    answers[i] = { 1, '0', {}, wrong }
  else
    call('UNLINK', P .. 'sv:')
    forward(P, ms)
    answers[i] = { call('EXISTS', P .. 'paused'), next_due(P), {} }
  end
end
for i = 1, #KEYS do
  if answers[i][1] == 0 then take(i, math.min(left, tonumber(ARGV[4 + i]))) end
end
for i = 1, #KEYS do
  if left > 0 and answers[i][1] == 0 then take(i, left) end
end
for i = 1, #KEYS do answers[i][3] = cmsgpack.pack(answers[i][3]) end
return answers
`.replace("WIDE", `'${"-".repeat(65)}'`);
