#!lua
--[[
  Resolves a reservation: its events are about to be produced, each with what was used; the rest is returned.

  KEYS[1] m   KEYS[2] u   KEYS[3] o   KEYS[4] a   KEYS[5] due
  ARGV[1] <ws>/<op>   ARGV[2] op   ARGV[3] quantity of each item, joined by commas, or '' = all   ARGV[4] ms until it is due again

  Reply  {word, now, quantities, granted, open items}
         OK | AGAIN the same commit as before | REBUILDING | UNKNOWN no such operation | EXPIRED | RESOLVED otherwise
         SETTLED by an event: the product's, or one of a commit that Redis does not know any more
         COUNT not one quantity for each item | TOO_MUCH more than was reserved
]]
local u, o, a, due, op = KEYS[2], KEYS[3], KEYS[4], KEYS[5], ARGV[2]
if not is_usable(KEYS[1]) then return { 'REBUILDING' } end
local now, known = clock(), load_operation(a)
if not known then return { 'UNKNOWN' } end
local wanted, granted = ARGV[3] ~= '' and ARGV[3] or known.granted, {}
local function reply(word)
  return { word, text(now), wanted, known.granted, (open_lines(o, op, tonumber(known.k))) }
end
if known.cq ~= '' then return reply(known.cq == wanted and 'AGAIN' or 'RESOLVED') end
if known.st == 'expired' then return reply('EXPIRED') end
if known.st ~= 'held' then return reply(known.st == 'settled' and 'SETTLED' or 'RESOLVED') end
if now >= tonumber(known.dl) then
  redis.call('HINCRBY', KEYS[1], 'half', 1)
  end_operation(KEYS, ARGV, known, 'expired')
  redis.call('HINCRBY', KEYS[1], 'half', -1)
  return reply('EXPIRED')
end
for quantity in string.gmatch(known.granted, '%d+') do granted[#granted + 1] = tonumber(quantity) end
local quantities = {}
for quantity in string.gmatch(wanted, '%d+') do quantities[#quantities + 1] = tonumber(quantity) end
if #quantities ~= #granted then return reply('COUNT') end
for i, quantity in ipairs(quantities) do if quantity > granted[i] then return reply('TOO_MUCH') end end

redis.call('HINCRBY', KEYS[1], 'half', 1)
for i, quantity in ipairs(quantities) do
  local field = op .. '~' .. (i - 1)
  local line = redis.call('HGET', o, field)
  if line and quantity == 0 then close_item(u, o, field) end
  if line and quantity > 0 and quantity < granted[i] then
    local n, _, time, meter, subject, kind = parse_item(line)
    local kept = math.min(n, quantity)
    add_held(u, meter, kept - n)
    redis.call('HSET', o, field, item_line(kind, kept, quantity, time, meter, subject))
  end
end
local deadline = text(now + tonumber(ARGV[4]))
known.st, known.cq = 'committing', wanted
save_operation(a, known, 'KEEPTTL')
local is_open = select(2, open_lines(o, op, tonumber(known.k)))
if is_open then redis.call('ZADD', due, deadline, ARGV[1]) else redis.call('ZREM', due, ARGV[1]) end
redis.call('HINCRBY', KEYS[1], 'half', -1)
return reply('OK')
