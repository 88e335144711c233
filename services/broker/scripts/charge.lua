-- Sets what a latent counts for with its tenant, and refuses more than the tenant may have.
-- Without limits, what counts for nothing stays so: it was released meanwhile.
-- A latent whose upload was not open is a publish, and keeps the tenant's pace.
-- Returns {1}, or {0, the limit that is reached, ms until there may be room}.
-- KEYS: 1 bytes by latent and in total, 2 latents by when they lapse, 3 open uploads likewise,
--       4 when the next publish is due (ms)
-- ARGV: 1 latent, 2 now_ms, 3 bytes, 4 when they lapse (ms), 5 whether its upload is open,
--       6 how long the counts stay (ms), then the limits or nothing: 7 bytes, 8 open uploads,
--       9 publishes a second
local latent, now, bytes, lapses = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])

local function forget(gone)
  local counted = tonumber(redis.call('HGET', KEYS[1], gone) or 0)
  -- Freeing comes first: a full server takes the write behind it too.
  redis.call('ZREM', KEYS[2], gone)
  redis.call('ZREM', KEYS[3], gone)
  redis.call('HDEL', KEYS[1], gone)
  if counted > 0 then redis.call('HINCRBY', KEYS[1], 'total', -counted) end
end

local function wait_for(key)
  local first = redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')[2]
  return first and math.max(1, math.ceil(first - now)) or 1000
end

repeat
  local lapsed = redis.call('ZRANGE', KEYS[2], '-inf', now, 'BYSCORE', 'LIMIT', 0, 100)
  for _, gone in ipairs(lapsed) do forget(gone) end
until #lapsed == 0

redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', now)

local charged = tonumber(redis.call('HGET', KEYS[1], latent) or 0)
if ARGV[7] then
  -- Whoever opens it again knows less of it than whoever charged it before.
  bytes = math.max(bytes, charged)
  lapses = math.max(lapses, tonumber(redis.call('ZSCORE', KEYS[2], latent) or 0))
  local total = tonumber(redis.call('HGET', KEYS[1], 'total') or 0)
  local is_new = not redis.call('ZSCORE', KEYS[3], latent)
  if bytes > charged and total + bytes - charged > tonumber(ARGV[7]) then
    return {0, 'stored_bytes', wait_for(KEYS[2])}
  end
  if is_new and redis.call('ZCARD', KEYS[3]) >= tonumber(ARGV[8]) then
    return {0, 'open_uploads', wait_for(KEYS[3])}
  end
  if is_new then
    local due = math.max(now, tonumber(redis.call('GET', KEYS[4]) or 0))
    local interval = 1000 / tonumber(ARGV[9])
    local early = due - now - math.max(0, 1000 - interval)
    if early > 0 then return {0, 'publishes_per_second', math.ceil(early)} end
    local next_due = string.format('%.3f', due + interval)
    redis.call('SET', KEYS[4], next_due, 'PX', ARGV[6])
  end
end

if not ARGV[7] and charged == 0 then return {1} end
if bytes == 0 then
  forget(latent)
else
  redis.call('HINCRBY', KEYS[1], 'total', bytes - charged)
  redis.call('HSET', KEYS[1], latent, bytes)
  redis.call('ZADD', KEYS[2], lapses, latent)
  if ARGV[5] == '1' then
    redis.call('ZADD', KEYS[3], ARGV[4], latent)
  else
    redis.call('ZREM', KEYS[3], latent)
  end
end
for key = 1, 3 do redis.call('PEXPIRE', KEYS[key], ARGV[6]) end
return {1}
