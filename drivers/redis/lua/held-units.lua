--[[
  What open holds hold of a workspace, by meter; part of all scripts of holds and of apply, before open-holds.

  u   h:<meter> is the sum of what is open, and absent when nothing is
  o   ~<meter>~<subject> -> how many open holds name this resource of a distinct meter: all of them together hold one unit
      =<meter>~<subject> -> there while that resource is a member: it is used then, and not held
]]
local function text(number) return string.format('%d', number) end

local function add_held(u, meter, n)
  if n ~= 0 and redis.call('HINCRBY', u, 'h:' .. meter, text(n)) <= 0 then redis.call('HDEL', u, 'h:' .. meter) end
end

-- So many more, or fewer, holds name a resource; those of a member hold nothing.
local function change_mark(u, o, meter, subject, by, is_member)
  local mark, member = '~' .. meter .. '~' .. subject, '=' .. meter .. '~' .. subject
  local now = redis.call('HINCRBY', o, mark, by)
  if now == by then
    if is_member then redis.call('HSET', o, member, '1') else redis.call('HDEL', o, member) end
  end
  local is_held = redis.call('HEXISTS', o, member) == 0
  if now <= 0 then redis.call('HDEL', o, mark, member) end
  if is_held then add_held(u, meter, (now > 0 and 1 or 0) - (now - by > 0 and 1 or 0)) end
end

-- A resource becomes a member or ceases to be one: its unit is used instead of held, or held again.
local function mark_member(u, o, meter, subject, is_member)
  local member = '=' .. meter .. '~' .. subject
  local found = redis.call('HMGET', o, '~' .. meter .. '~' .. subject, member)
  if not found[1] or (found[2] and true or false) == is_member then return end
  if is_member then redis.call('HSET', o, member, '1') else redis.call('HDEL', o, member) end
  add_held(u, meter, is_member and -1 or 1)
end

-- The same of all resources of meters whose members were replaced, `sets` by meter: once for all events of a call, since it
-- goes through all that holds name. Units held and `=` agree in between, as they do before.
local function mark_members(u, o, sets)
  for _, field in ipairs(redis.call('HKEYS', o)) do
    local meter, subject = string.match(field, '^~([^~]*)~(.*)$')
    local set = meter and sets[meter]
    if set then mark_member(u, o, meter, subject, redis.call('SISMEMBER', set, subject) == 1) end
  end
end
