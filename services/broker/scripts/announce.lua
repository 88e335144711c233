-- Adds an announcement to a flow, and drops the oldest beyond what the flow keeps. What a group has
-- not had and acknowledged stays, within some times of that.
-- KEYS: 1 announced
-- ARGV: 1 announcements kept, 2 how long each is kept (ms), 3 how many times that for groups,
--       4 how long the flow stays (ms), then the announcement's fields
local key, kept, age_ms, times = KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local AT_ONCE = 100

local function parts(id)
  local ms, sequence = string.match(id, '(%d+)-(%d+)')
  return tonumber(ms), tonumber(sequence)
end

local function earlier(one, other)
  local one_ms, one_sequence = parts(one)
  local other_ms, other_sequence = parts(other)
  if one_ms == other_ms then return one_sequence < other_sequence end
  return one_ms < other_ms
end

local function after(id)
  local ms, sequence = parts(id)
  return string.format('%.0f-%.0f', ms, sequence + 1)
end

-- The oldest that a group was given and did not acknowledge, or else the next it will be given.
local function needed_by(group)
  if group.pending > 0 then return redis.call('XPENDING', key, group.name)[2] end
  return after(group['last-delivered-id'])
end

-- What no group needs ends before this id; none without a group.
local function oldest_needed()
  local oldest = nil
  for _, flat in ipairs(redis.call('XINFO', 'GROUPS', key)) do
    local group = {}
    for at = 1, #flat, 2 do group[flat[at]] = flat[at + 1] end
    local needed = needed_by(group)
    if not oldest or earlier(needed, oldest) then oldest = needed end
  end
  return oldest
end

redis.call('XADD', key, '*', unpack(ARGV, 5))
redis.call('PEXPIRE', key, ARGV[4])

local time = redis.call('TIME')
local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)
local function aged(ms) return string.format('%.0f-0', math.max(0, now_ms - ms)) end
redis.call('XTRIM', key, 'MAXLEN', times * kept)
redis.call('XTRIM', key, 'MINID', aged(times * age_ms))

local needed, old = oldest_needed(), aged(age_ms)
redis.call('XTRIM', key, 'MINID', needed and earlier(needed, old) and needed or old)
local surplus = redis.call('XLEN', key) - kept
if surplus > 0 then
  -- A few at a time: a group that catches up frees many, and nobody may wait for all of them.
  local dropped = redis.call('XRANGE', key, '-', needed and '(' .. needed or '+',
    'COUNT', math.min(surplus, AT_ONCE))
  if #dropped > 0 then redis.call('XTRIM', key, 'MINID', after(dropped[#dropped][1])) end
end
return 1
