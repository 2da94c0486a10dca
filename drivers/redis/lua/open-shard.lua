#!lua
--[[
  Ends a rebuild: sets where each partition goes on and what must be reached before answers are given.

  KEYS[1] m   ARGV[1] token, becomes the incarnation   ARGV[2] catalogue revision
  ARGV[3..]   for each partition: tp, watermark, base, target, '1' when the log no longer starts at 0 (lower bound)

  Reply  'OK' | 'LOST'
]]
if redis.call('HGET', KEYS[1], 'rst') ~= ARGV[1] then return 'LOST' end
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'rst', ARGV[1], 'cat', ARGV[2])
local reached = true
for i = 3, #ARGV, 5 do
  local tp = ARGV[i]
  redis.call('HSET', KEYS[1], 'wm:' .. tp, ARGV[i + 1], 'at:' .. tp, '0', 'base:' .. tp, ARGV[i + 2], 'target:' .. tp, ARGV[i + 3])
  if ARGV[i + 4] == '1' then redis.call('HSET', KEYS[1], 'lb:' .. tp, '1') end
  if tonumber(ARGV[i + 1]) < math.max(tonumber(ARGV[i + 2]), tonumber(ARGV[i + 3])) then reached = false end
end
redis.call('HSET', KEYS[1], 'inc', ARGV[1])
if reached then redis.call('HSET', KEYS[1], 'ready', '1') end
return 'OK'
