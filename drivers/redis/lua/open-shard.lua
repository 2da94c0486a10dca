#!lua
--[[
  Ends a rebuild: sets where each partition goes on and what must be reached before answers are given.

  KEYS[1] m   KEYS[2] v   ARGV[1] token, becomes the incarnation   ARGV[2] catalogue revision
  ARGV[3] '1' when workspaces have thresholds of their own (t)
  ARGV[4] how many writes this rebuild made: fewer in m.rn means that Redis went back in the middle of it
  ARGV[5..]   for each partition: tp, watermark, append time of base, base, target, '1' when the log no longer starts at 0 (lower bound)

  Reply  'OK' | 'LOST' another rebuild is newer, or Redis went back or kept half a call (ADR 0009) since this one began
]]
local state = redis.call('HMGET', KEYS[1], 'rst', 'rn', 'half', 'born')
if state[1] ~= ARGV[1] or (state[2] or '0') ~= ARGV[4] or (state[3] or '0') ~= (state[4] or '0') then return 'LOST' end
redis.call('HINCRBY', KEYS[1], 'half', 1)
for _, field in ipairs(redis.call('HKEYS', KEYS[1])) do
  if field ~= 'half' and field ~= 'born' then redis.call('HDEL', KEYS[1], field) end
end
-- One value of more than 64 bytes (hash-max-listpack-value): Redis finds the fields of m by their hash, and walks no list of all of them.
redis.call('HSET', KEYS[1], 'rst', ARGV[1], 'cat', ARGV[2], 'wide', string.rep('.', 65))
if ARGV[3] == '1' then redis.call('HSET', KEYS[1], 'th', '1') end
local reached = true
for i = 5, #ARGV, 6 do
  local tp, wm, at, base, target, lb = unpack(ARGV, i, i + 5)
  redis.call('HSET', KEYS[1], 'wm:' .. tp, wm, 'at:' .. tp, at, 'base:' .. tp, base, 'target:' .. tp, target)
  if lb == '1' then redis.call('HSET', KEYS[1], 'lb:' .. tp, '1') end
  if tonumber(wm) < math.max(tonumber(base), tonumber(target)) then reached = false end
end
redis.call('HSET', KEYS[1], 'inc', ARGV[1])
if reached then redis.call('HSET', KEYS[1], 'ready', '1') end
redis.call('HINCRBY', KEYS[2], 'n', 1)
redis.call('HINCRBY', KEYS[1], 'half', -1)
return 'OK'
