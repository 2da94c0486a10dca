#!lua
--[[
  Ends a rebuild: sets where each partition goes on and what must be reached before answers are given.

  KEYS[1] m   KEYS[2] v   ARGV[1] token, becomes the incarnation   ARGV[2] catalogue revision
  ARGV[3] '1' when workspaces have thresholds of their own (t)
  ARGV[4] how many writes this rebuild made: fewer in m.rn means that Redis went back in the middle of it
  ARGV[5..]   for each partition: tp, watermark, base, target, '1' when the log no longer starts at 0 (lower bound)

  Reply  'OK' | 'LOST' another rebuild is newer, or Redis went back or kept half a call (ADR 0009) since this one began
]]
local state = redis.call('HMGET', KEYS[1], 'rst', 'rn', 'half', 'born')
if state[1] ~= ARGV[1] or (state[2] or '0') ~= ARGV[4] or (state[3] or '0') ~= (state[4] or '0') then return 'LOST' end
redis.call('HINCRBY', KEYS[1], 'half', 1)
for _, field in ipairs(redis.call('HKEYS', KEYS[1])) do
  if field ~= 'half' and field ~= 'born' then redis.call('HDEL', KEYS[1], field) end
end
redis.call('HSET', KEYS[1], 'rst', ARGV[1], 'cat', ARGV[2])
if ARGV[3] == '1' then redis.call('HSET', KEYS[1], 'th', '1') end
local reached = true
for i = 5, #ARGV, 5 do
  local tp = ARGV[i]
  redis.call('HSET', KEYS[1], 'wm:' .. tp, ARGV[i + 1], 'at:' .. tp, '0', 'base:' .. tp, ARGV[i + 2], 'target:' .. tp, ARGV[i + 3])
  if ARGV[i + 4] == '1' then redis.call('HSET', KEYS[1], 'lb:' .. tp, '1') end
  if tonumber(ARGV[i + 1]) < math.max(tonumber(ARGV[i + 2]), tonumber(ARGV[i + 3])) then reached = false end
end
redis.call('HSET', KEYS[1], 'inc', ARGV[1])
if reached then redis.call('HSET', KEYS[1], 'ready', '1') end
redis.call('HINCRBY', KEYS[2], 'n', 1)
redis.call('HINCRBY', KEYS[1], 'half', -1)
return 'OK'
