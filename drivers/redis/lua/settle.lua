--[[
  Settles the hold that a usage event names; part of apply.

  r  {place of o, place of a, place of due, <ws>/<op>, op, item or '', meters}: the item itself, as our own events say, or
     by the operation alone its first open item of one of the meters; no meters = whatever meter (a void event says none)
     What is being committed is settled by our own events alone: its answer says that they are in the log.
]]
-- Items of the operation that are open and that the event names.
local function named_items(r, o, known)
  if not known or known.st == 'committing' then return {} end
  local wanted, any, found = {}, #r[7] == 0, {}
  for _, meter in ipairs(r[7]) do wanted[meter] = true end
  for i, line in ipairs((open_lines(o, r[5], tonumber(known.k)))) do
    local _, _, _, meter = parse_item(line)
    if line ~= '' and (wanted[meter] or any) then
      wanted[meter], found[#found + 1] = nil, i - 1
      if any then break end
    end
  end
  return found
end

local function settle(u, r, is_fresh)
  local o, a, due, known = KEYS[r[1]], KEYS[r[2]], KEYS[r[3]], nil
  local kind = r[6] ~= '' and close_item(u, o, r[5] .. '~' .. r[6])
  if kind ~= '1' then
    known = load_operation(a)
    if r[6] == '' and is_fresh then
      for _, item in ipairs(named_items(r, o, known)) do kind = close_item(u, o, r[5] .. '~' .. item) end
    end
    if known and known.st == 'held' then
      known.st = 'settled'
      save_operation(a, known, 'KEEPTTL')
    end
  end
  if kind == '1' or kind and known and not select(2, open_lines(o, r[5], tonumber(known.k))) then redis.call('ZREM', due, r[4]) end
end
