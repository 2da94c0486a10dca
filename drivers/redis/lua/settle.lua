--[[
  Settles the hold that a usage event names; part of apply.

  r  {place of o, place of a, place of due, <ws>/<op>, op, item or '', meters}: the item itself, or by the operation
     alone its first open item of one of the meters; no meters = whatever meter (a void event says none)
]]
local function settle(u, r, is_fresh)
  local o, a, due, op = KEYS[r[1]], KEYS[r[2]], KEYS[r[3]], r[5]
  if r[6] ~= '' then
    resolve_item(u, o, a, due, r[4], op .. '~' .. r[6])
  elseif is_fresh then
    local wanted, found = {}, #r[7] == 0
    for _, meter in ipairs(r[7]) do wanted[meter] = true end
    for i = 0, tonumber(redis.call('HGET', a, 'k') or '0') - 1 do
      local line = redis.call('HGET', o, op .. '~' .. i)
      local _, _, _, meter = parse_item(line or '')
      if line and (wanted[meter] or found) then
        wanted[meter] = nil
        resolve_item(u, o, a, due, r[4], op .. '~' .. i)
        if found then break end
      end
    end
  end
  if redis.call('HGET', a, 'st') == 'held' then redis.call('HSET', a, 'st', 'settled') end
end
