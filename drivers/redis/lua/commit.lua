#!lua
--[[
  Resolves a reservation: its events are about to be produced, each with what was used; the rest is returned.

  KEYS[1] m   KEYS[2] u   KEYS[3] o   KEYS[4] a   KEYS[5] due
  ARGV[1] <ws>/<op>   ARGV[2] op   ARGV[3] quantity of each item, joined by commas, or '' = all   ARGV[4] ms until it is due again

  Reply  {word, now, quantities, granted, open items}
         OK | AGAIN the same commit as before | REBUILDING | UNKNOWN no such operation | EXPIRED | RESOLVED otherwise
         COUNT not one quantity for each item | TOO_MUCH more than was reserved
]]
local u, o, a, due, op = KEYS[2], KEYS[3], KEYS[4], KEYS[5], ARGV[2]
if not is_usable(KEYS[1]) then return { 'REBUILDING' } end
local now, known = clock(), redis.call('HMGET', a, 'st', 'k', 'dl', 'granted', 'cq')
if not known[1] then return { 'UNKNOWN' } end
local wanted, granted = ARGV[3] ~= '' and ARGV[3] or known[4], {}
local function reply(word)
  return { word, text(now), wanted, known[4], open_lines(o, op, tonumber(known[2])) }
end
if known[5] then return reply(known[5] == wanted and 'AGAIN' or 'RESOLVED') end
if known[1] == 'expired' then return reply('EXPIRED') end
if known[1] ~= 'held' then return reply('RESOLVED') end
if now >= tonumber(known[3]) then
  redis.call('HINCRBY', KEYS[1], 'half', 1)
  resolve_all(u, o, a, due, ARGV[1], op)
  redis.call('HSET', a, 'st', 'expired')
  redis.call('HINCRBY', KEYS[1], 'half', -1)
  return reply('EXPIRED')
end
for quantity in string.gmatch(known[4], '%d+') do granted[#granted + 1] = tonumber(quantity) end
local quantities = {}
for quantity in string.gmatch(wanted, '%d+') do quantities[#quantities + 1] = tonumber(quantity) end
if #quantities ~= #granted then return reply('COUNT') end
for i, quantity in ipairs(quantities) do if quantity > granted[i] then return reply('TOO_MUCH') end end

redis.call('HINCRBY', KEYS[1], 'half', 1)
for i, quantity in ipairs(quantities) do
  local field = op .. '~' .. (i - 1)
  local line = redis.call('HGET', o, field)
  if line and quantity == 0 then resolve_item(u, o, a, due, ARGV[1], field) end
  if line and quantity > 0 and quantity < granted[i] then
    local n, _, time, meter, subject = parse_item(line)
    local kept = math.min(n, quantity)
    add_held(u, meter, kept - n)
    redis.call('HSET', o, field, text(kept) .. '|' .. text(quantity) .. '|' .. time .. '|' .. meter .. '|' .. subject)
  end
end
local deadline = text(now + tonumber(ARGV[4]))
redis.call('HSET', a, 'st', 'committing', 'cq', wanted, 'dl', deadline)
if tonumber(redis.call('HGET', a, 'left')) > 0 then redis.call('ZADD', due, deadline, ARGV[1]) end
redis.call('HINCRBY', KEYS[1], 'half', -1)
return reply('OK')
