#!lua flags=no-writes
--[[
  Says which events of a workspace are counted.

  KEYS[1] m   KEYS[2..] id sets   ARGV[1] tp  partition of the workspace
  ARGV[2..] for each event: its id, how many sets follow for it in KEYS

  Reply  {'REBUILDING'} | {'OK', now ms, append time counted up to, when the end was verified, '1' or '0' for each event}
]]
local state = redis.call('HMGET', KEYS[1], 'inc', 'ready', 'half', 'born', 'at:' .. ARGV[1], 'seen:' .. ARGV[1])
if not (state[1] and state[2]) or (state[3] or '0') ~= (state[4] or '0') then return { 'REBUILDING' } end
local now = redis.call('TIME')
local reply, place = { 'OK', string.format('%s%03d', now[1], math.floor(now[2] / 1000)), state[5] or '0', state[6] or '0' }, 2
for i = 2, #ARGV, 2 do
  local found = '0'
  for _ = 1, tonumber(ARGV[i + 1]) do
    if redis.call('SISMEMBER', KEYS[place], ARGV[i]) == 1 then found = '1' end
    place = place + 1
  end
  reply[#reply + 1] = found
end
return reply
