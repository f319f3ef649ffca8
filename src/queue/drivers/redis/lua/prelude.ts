/*
 * What the scripts share. `P` is the prefix of a queue's keys. Times: `ms` milliseconds, `us` microseconds, both
 * whole; scores in asynq's sets are whole seconds.
 *
 * A script's first write must be one that Redis allows when its memory is full: then all that follow are allowed
 * too, and what frees memory (settling) goes on. That is what `UNLINK` of nothing is for.
 */

/**
 * `leave`: out of the active list, where the oldest are at the end: for many at once cheaper than
 * LREM of each, which looks through the list. `place`: back to the front of the pending list (asynq's Requeue, rdb.go),
 * in their order with those that came back before them and wait there, of which there are `sv:returned` at most: what
 * was never claimed is later than any of them that has its key. `due_now`: what asynq's forward does with one task (rdb.go, forwardCmd), but a task of a group
 * is noted in the set of groups again.
 *
 * `crashed`: a minus in front of `crashes` says that it has begun since it was claimed, which another crash needs unless it is the
 * first.
 *
 * `misfit`: which key of a queue holds something else, and what; what writes looks before its first write, since a script
 * that fails midway has written half, and has taken out of lists what is then nowhere.
 * `touch` asks what costs least: ZINTER looks at the kind of all its keys, and at no more, since the first one is empty.
 */
export const prelude = `
local call = redis.call
local shapes = {
  pending = 'list', active = 'list', lease = 'zset', scheduled = 'zset', retry = 'zset', archived = 'zset',
  completed = 'zset', groups = 'set', ['sv:due'] = 'zset', ['sv:owners'] = 'hash', ['sv:returned'] = 'string',
  ['sv:blocked'] = 'hash', aggregation_sets = 'zset',
}
local function touch(P)
  call('LLEN', P .. 'pending')
  call('LLEN', P .. 'active')
  call('HLEN', P .. 'sv:owners')
  call('HLEN', P .. 'sv:blocked')
  call('STRLEN', P .. 'sv:returned')
  call('ZINTER', 9, P .. 'sv:', P .. 'lease', P .. 'scheduled', P .. 'retry', P .. 'archived', P .. 'completed',
    P .. 'sv:due', P .. 'aggregation_sets', P .. 'groups')
end
local function misfit(P)
  if pcall(touch, P) then return end
  for name, shape in pairs(shapes) do
    local found = call('TYPE', P .. name).ok
    if found ~= shape and found ~= 'none' then
      return 'the key ' .. P .. name .. ' is a ' .. found .. ' and no ' .. shape
    end
  end
end
local function chunks(cmd, key, items)
  local n = #items
  for i = 1, n, 4000 do call(cmd, key, unpack(items, i, math.min(i + 3999, n))) end
end
local function leave(P, gone)
  if #gone == 0 then return end
  call('ZREM', P .. 'lease', unpack(gone))
  call('HDEL', P .. 'sv:owners', unpack(gone))
  local n, kept, last = #gone, {}, 0
  local left = {}
  for i = 1, n do left[gone[i]] = true end
  while n > 0 do
    local part = call('RPOP', P .. 'active', math.max(n, 64))
    if not part then break end
    for i = 1, #part do
      local id = part[i]
      if left[id] then
        n = n - 1
        left[id] = nil
      else
        last = last + 1
        kept[last] = id
      end
    end
  end
  local oldest_last = {}
  for i = #kept, 1, -1 do oldest_last[#oldest_last + 1] = kept[i] end
  if #kept > 0 then chunks('RPUSH', P .. 'active', oldest_last) end
end
local function crashed(task)
  local n = tonumber(call('HGET', task, 'crashes') or '0')
  if n <= 0 then call('HSET', task, 'crashes', 1 - n) end
end
local function since_of(us) return string.format('%d000', us) end
local function place(P, ids)
  if #ids == 0 then return end
  local list, newest = {}, ''
  for i = 1, #ids do
    local since = call('HGET', P .. 't:' .. ids[i], 'pending_since') or '0'
    list[i] = { since, ids[i] }
    if since > newest then newest = since end
  end
  local returned = tonumber(call('GET', P .. 'sv:returned') or '0')
  local walked, at = 0, 0
  while walked == at and at < math.min(returned, 10000) do
    local front = call('LRANGE', P .. 'pending', -at - 200, -at - 1)
    for i = #front, 1, -1 do
      local since = call('HGET', P .. 't:' .. front[i], 'pending_since')
      if not since or since >= newest or walked >= returned then break end
      walked = walked + 1
      list[#list + 1] = { since, front[i] }
    end
    at = at + 200
  end
  if walked > 0 then call('RPOP', P .. 'pending', walked) end
  table.sort(list, function(a, b)
    if a[1] ~= b[1] then return a[1] > b[1] end
    return a[2] > b[2]
  end)
  local sorted = {}
  for i = 1, #list do sorted[i] = list[i][2] end
  chunks('RPUSH', P .. 'pending', sorted)
  call('SET', P .. 'sv:returned', returned + #ids)
end
local function due_now(P, id, ms, due)
  local task = P .. 't:' .. id
  local group = call('HGET', task, 'group')
  if group and group ~= '' then
    call('ZADD', P .. 'g:' .. group, math.floor(ms / 1000), id)
    call('SADD', P .. 'groups', group)
    call('HSET', task, 'state', 'aggregating')
  else
    call('LPUSH', P .. 'pending', id)
    call('HSET', task, 'state', 'pending', 'pending_since', since_of(due))
  end
end
local function forward(P, ms)
  local due = call('ZRANGEBYSCORE', P .. 'sv:due', '-inf', ms, 'WITHSCORES', 'LIMIT', 0, 500)
  for i = 1, #due, 2 do
    local id = due[i]
    call('ZREM', P .. 'sv:due', id)
    if call('ZREM', P .. 'scheduled', id) == 1 or call('ZREM', P .. 'retry', id) == 1 then
      due_now(P, id, ms, due[i + 1] * 1000 + i)
    end
  end
  for _, set in ipairs({ 'scheduled', 'retry' }) do
    local ids = call('ZRANGEBYSCORE', P .. set, '-inf', math.floor(ms / 1000), 'WITHSCORES', 'LIMIT', 0, 500)
    for i = 1, #ids, 2 do
      call('ZREM', P .. set, ids[i])
      due_now(P, ids[i], ms, ids[i + 1] * 1000000 + i)
    end
  end
end
local function expire(P, ms)
  for _, id in ipairs(call('ZRANGEBYSCORE', P .. 'completed', '-inf', math.floor(ms / 1000), 'LIMIT', 0, 500)) do
    call('UNLINK', P .. 't:' .. id)
    call('ZREM', P .. 'completed', id)
  end
end
local function next_due(P)
  local next = 0
  local function sooner(set, scale)
    local first = call('ZRANGE', P .. set, 0, 0, 'WITHSCORES')[2]
    if first and (next == 0 or first * scale < next) then next = first * scale end
  end
  sooner('sv:due', 1)
  sooner('scheduled', 1000)
  sooner('retry', 1000)
  return string.format('%.0f', next)
end
local function wait_until(P, set, id, at, ms)
  call('ZADD', P .. set, math.ceil(at / 1000), id)
  if at % 1000 ~= 0 and at - ms <= 60000 then
    call('ZADD', P .. 'sv:due', string.format('%.0f', at), id)
  else
    call('ZREM', P .. 'sv:due', id)
  end
end
local function block(P, key, id, us)
  call('HSETNX', P .. 'sv:blocked', key, id)
  call('ZADD', P .. 'sv:blockers:' .. key, 'NX', us, id)
  call('HSET', P .. 't:' .. id, 'blocks', key)
end
local function unblock(P, key, id)
  if call('ZREM', P .. 'sv:blockers:' .. key, id) == 0 then return end
  local first = call('ZRANGE', P .. 'sv:blockers:' .. key, 0, 0)[1]
  if first then
    call('HSET', P .. 'sv:blocked', key, first)
    return
  end
  call('HDEL', P .. 'sv:blocked', key)
  local ids = {}
  for _, held in ipairs(call('ZRANGE', P .. 'sv:held:' .. key, 0, -1)) do
    if call('ZREM', P .. 'scheduled', held) == 1 then
      call('HSET', P .. 't:' .. held, 'state', 'pending')
      call('HDEL', P .. 't:' .. held, 'held')
      ids[#ids + 1] = held
    end
  end
  call('UNLINK', P .. 'sv:held:' .. key)
  place(P, ids)
end
local function unlock(lock, id)
  if lock and lock ~= '' and call('GET', lock) == id then call('UNLINK', lock) end
end
local function count(P, name, day, n, expire)
  if n == 0 then return end
  -- A number that another program has overwritten is no reason to stop.
  local function add(key) return redis.pcall('INCRBY', key, n) end
  if add(P .. name .. ':' .. day) == n then call('EXPIREAT', P .. name .. ':' .. day, expire) end
  add(P .. name)
end
`;

/** For what works on one queue. */
export const fitOrRefuse = `
local wrong = misfit(KEYS[1])
if wrong then return redis.error_reply('WRONGTYPE ' .. wrong) end
`;

/**
 * `enqueue(P, task, ms, us)` with a task as `enqueue-call.ts` writes it: id, message, at (when it may run, or ""),
 * group, lock, lock's time in ms, key, exact. It answers `p`, `s` or `g` (its state), `d` (duplicate) or `c`
 * (conflict). Unlike asynq (rdb.go, enqueueUniqueCmd) it takes no lock for a task that it then refuses.
 */
export const enqueueOne = `
local function enqueue(P, id, message, at, group, lock, ttl, key, exact, ms, us)
  local task = P .. 't:' .. id
  if call('EXISTS', task) == 1 then return 'c' end
  if lock ~= '' and not call('SET', lock, id, 'NX', 'PX', ttl) then return 'd' end
  local run_at = tonumber(at)
  if not run_at and group == '' and lock == '' and key == '' and exact == '' then
    call('HSET', task, 'msg', message, 'state', 'pending', 'pending_since', since_of(us))
    return 'p'
  end
  local fields = { 'msg', message, 'at', string.format('%.0f', ms) }
  local function set(name, value)
    if value ~= '' then
      fields[#fields + 1] = name
      fields[#fields + 1] = value
    end
  end
  set('unique_key', lock)
  set('key', key)
  set('exact', exact)
  set('group', group)
  local state = 'p'
  if run_at and run_at > ms then
    state = 's'
    set('state', 'scheduled')
    wait_until(P, 'scheduled', id, run_at, ms)
  elseif group ~= '' then
    state = 'g'
    set('state', 'aggregating')
    call('ZADD', P .. 'g:' .. group, math.floor(ms / 1000), id)
    call('SADD', P .. 'groups', group)
    call('HSET', P .. 'sv:last', group, string.format('%.0f', ms))
  else
    set('state', 'pending')
    set('pending_since', since_of(us))
  end
  call('HSET', task, unpack(fields))
  return state
end
`;
