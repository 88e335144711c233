-- Makes a latent, or renews the lease of one that is still open. Returns its record either way.
-- KEYS: 1 record, 2 frames
-- ARGV: 1 now_ms, 2 manifest, 3 flow, 4 created_ms, 5 expires_ms, 6 lease_until_ms,
--       7 when the record goes (ms), 8 when the frames go unless more come (ms), then nothing, or
--       what a new one is committed with at once: 9 when the frames go (ms), 10 bytes of its
--       payloads, 11 frames, then for each frame: it as serialised, bytes of its payload; then name
--       and value of what else the commit says
local manifest, state, expires_ms, lease_until_ms = unpack(
  redis.call('HMGET', KEYS[1], 'manifest', 'state', 'expires_ms', 'lease_until_ms'))
local now_ms = tonumber(ARGV[1])

local function store_whole()
  local frames = tonumber(ARGV[11])
  for index = 0, frames - 1 do
    redis.call('XADD', KEYS[2], '1-' .. index,
      'frame', ARGV[12 + 2 * index], 'bytes', ARGV[13 + 2 * index])
  end
  redis.call('XADD', KEYS[2], '2-0',
    'frames', frames, 'payload_bytes', ARGV[10], unpack(ARGV, 12 + 2 * frames))
  redis.call('PEXPIREAT', KEYS[2], ARGV[9])
  redis.call('HSET', KEYS[1], 'state', 'committed', 'frames', frames, 'payload_bytes', ARGV[10],
    unpack(ARGV, 12 + 2 * frames))
end

if not manifest then
  redis.call('HSET', KEYS[1], 'manifest', ARGV[2], 'flow', ARGV[3], 'created_ms', ARGV[4],
    'expires_ms', ARGV[5], 'lease_until_ms', ARGV[6],
    'state', 'open', 'frames', 0, 'payload_bytes', 0)
  redis.call('PEXPIREAT', KEYS[1], ARGV[7])
  if ARGV[9] then store_whole() end
elseif manifest == ARGV[2] and state == 'open'
  and now_ms < tonumber(expires_ms) and now_ms <= tonumber(lease_until_ms) then
  redis.call('HSET', KEYS[1], 'lease_until_ms', ARGV[6])
  redis.call('PEXPIREAT', KEYS[2], ARGV[8])
end
return redis.call('HGETALL', KEYS[1])
