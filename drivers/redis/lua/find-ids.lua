#!lua flags=no-writes
--[[
  Says which events of a workspace are counted.

  KEYS[1] m   KEYS[2..] id sets   ARGV[1..] for each event: its id, how many sets follow for it in KEYS

  Reply  {'REBUILDING'} | {'OK', '1' or '0' for each event}
]]
local life = redis.call('HMGET', KEYS[1], 'inc', 'ready', 'half', 'born')
if not (life[1] and life[2]) or (life[3] or '0') ~= (life[4] or '0') then return { 'REBUILDING' } end
local reply, place = { 'OK' }, 2
for i = 1, #ARGV, 2 do
  local found = '0'
  for _ = 1, tonumber(ARGV[i + 1]) do
    if redis.call('SISMEMBER', KEYS[place], ARGV[i]) == 1 then found = '1' end
    place = place + 1
  end
  reply[#reply + 1] = found
end
return reply
