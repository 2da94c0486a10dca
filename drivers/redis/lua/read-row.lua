#!lua flags=no-writes
--[[
  Reads the counters of one workspace for a snapshot, with the offsets they cover, from one instant.

  KEYS[1] m   KEYS[2] u   KEYS[3] t  thresholds after a rebuild   KEYS[4..] member sets
  ARGV[1] inc   ARGV[2..]  for each partition: tp, base of the round

  Reply  {'GONE'} another life, half a call, or Redis went back: the round must be given up
         | {'OK', fields of u, {tp, covered offset, ...} where above the base, members of each set ...}
]]
local function number(text) return tonumber(text or '-1') end
local life = redis.call('HMGET', KEYS[1], 'inc', 'half', 'born')
if life[1] ~= ARGV[1] or (life[2] or '0') ~= (life[3] or '0') then return { 'GONE' } end
local above = {}
for i = 2, #ARGV, 2 do
  local tp, base = ARGV[i], tonumber(ARGV[i + 1])
  local wm, before = unpack(redis.call('HMGET', KEYS[1], 'wm:' .. tp, 'base:' .. tp))
  local reached = math.max(number(wm), number(before))
  if reached < base then return { 'GONE' } end
  local covered = math.max(reached, number(redis.call('HGET', KEYS[3], tp)))
  if covered > base then
    above[#above + 1] = tp
    above[#above + 1] = string.format('%.0f', covered)
  end
end
local reply = { 'OK', redis.call('HGETALL', KEYS[2]), above }
for i = 4, #KEYS do reply[#reply + 1] = redis.call('SMEMBERS', KEYS[i]) end
return reply
