#!lua
--[[
  Looks at an operation whose time has come: gives back what has expired, names what must be produced again.

  KEYS[1] m   KEYS[2] u   KEYS[3] o   KEYS[4] a   KEYS[5] due
  ARGV[1] <ws>/<op>   ARGV[2] op   ARGV[3] ms until it is due again   ARGV[4] ms after which a hold is dropped

  Reply  {word, now, open items}
         REBUILDING | LATER not due yet | GONE nothing is open | RELEASED | PRODUCE its events may not be in the log
         DROPPED older than any hold may be: what it held is free, and an alarm is due
]]
local u, o, a, due, op = KEYS[2], KEYS[3], KEYS[4], KEYS[5], ARGV[2]
if not is_usable(KEYS[1]) then return { 'REBUILDING' } end
local now, score = clock(), tonumber(redis.call('ZSCORE', due, ARGV[1]) or 'inf')
if score > now then return { 'LATER', text(now) } end
local known = load_operation(a)
local lines, is_open = open_lines(o, op, known and tonumber(known.k) or 0)
local function finish(word, state)
  redis.call('HINCRBY', KEYS[1], 'half', 1)
  for _, field in ipairs(known and {} or redis.call('HKEYS', o)) do
    if string.sub(field, 1, #op + 1) == op .. '~' then close_item(u, o, field) end
  end
  end_operation(KEYS, ARGV, known or { k = '0' }, state)
  if word == 'DROPPED' then redis.call('DEL', a) end
  redis.call('HINCRBY', KEYS[1], 'half', -1)
  return { word, text(now), lines }
end
if known and not is_open then return finish('GONE') end
if not known or now - tonumber(known.at) >= tonumber(ARGV[4]) then return finish('DROPPED') end
if known.st == 'committing' then
  redis.call('ZADD', due, text(now + tonumber(ARGV[3])), ARGV[1])
  return { 'PRODUCE', text(now), lines }
end
return finish('RELEASED', known.st == 'held' and 'expired' or nil)
