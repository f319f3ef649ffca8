/**
 * One planned time is claimed once. What was forgotten stays claimed: a time before all that are known, when there are
 * as many as are kept, is too old.
 *
 * KEYS `…claimed` (zset), `…runs` (hash), `…state` (hash) · ARGV: at, run (JSON), most, 1 when it was planned
 * Answers 1, or 0: somebody has it.
 */
export const claimTickScript = `
if redis.call('ZSCORE', KEYS[1], ARGV[1]) then return 0 end
local size = redis.call('ZCARD', KEYS[1])
if size >= tonumber(ARGV[3]) then
  local oldest = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
  if tonumber(ARGV[1]) < tonumber(oldest[2]) then return 0 end
  for _, at in ipairs(redis.call('ZRANGE', KEYS[1], 0, size - tonumber(ARGV[3]))) do
    redis.call('ZREM', KEYS[1], at)
    redis.call('HDEL', KEYS[2], at)
  end
end
redis.call('ZADD', KEYS[1], ARGV[1], ARGV[1])
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
if ARGV[4] == '1' and tonumber(redis.call('HGET', KEYS[3], 'last') or 0) < tonumber(ARGV[1]) then
  redis.call('HSET', KEYS[3], 'last', ARGV[1])
end
return 1
`;

/** What became of a run, unless it is forgotten. KEYS as above · ARGV: at, run (JSON) */
export const finishTickScript = `
if redis.call('HEXISTS', KEYS[2], ARGV[1]) == 0 then return 0 end
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
return 1
`;

/** The newest runs first. KEYS as above · ARGV: how many */
export const historyScript = `
local ats = redis.call('ZREVRANGE', KEYS[1], 0, ARGV[1] - 1)
if #ats == 0 then return {} end
return redis.call('HMGET', KEYS[2], unpack(ats))
`;

/** Asynq's event (rdb.go, recordSchedulerEnqueueEventCmd). KEYS[1] history · ARGV: at (s), event, most */
export const eventScript = `
redis.call('ZREMRANGEBYRANK', KEYS[1], 0, -ARGV[3])
redis.call('ZADD', KEYS[1], ARGV[1], ARGV[2])
return 1
`;

/** Asynq's rdb.go, writeSchedulerEntriesCmd. KEYS[1] entries · ARGV: seconds, entries */
export const entriesScript = `
redis.call('DEL', KEYS[1])
for i = 2, #ARGV do redis.call('LPUSH', KEYS[1], ARGV[i]) end
redis.call('EXPIRE', KEYS[1], ARGV[1])
return 1
`;
