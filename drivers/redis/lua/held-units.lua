--[[
  What open holds hold of a workspace, by meter; part of all scripts of holds and of apply, before open-holds.

  u   h:<meter> is the sum of what is open, and absent when nothing is
  o   ~<meter>~<subject> -> how many open holds name this resource of a distinct meter: all of them together hold one unit,
      and none while it is a member, which is `<how many>|m`
]]
local function text(number) return string.format('%d', number) end

local function add_held(u, meter, n)
  if n ~= 0 and redis.call('HINCRBY', u, 'h:' .. meter, text(n)) <= 0 then redis.call('HDEL', u, 'h:' .. meter) end
end

-- How many holds name a resource, and whether they hold its unit: it is used and not held while it is a member.
local function parse_mark(mark)
  local holds, member = string.match(mark or '0', '^(%d+)(.*)$')
  return tonumber(holds), member == ''
end

-- So many more, or fewer, holds name a resource; those of a member hold nothing.
local function change_mark(u, o, meter, subject, by, is_member)
  local field = '~' .. meter .. '~' .. subject
  local before, is_held = parse_mark(redis.call('HGET', o, field))
  if before == 0 then is_held = not is_member end
  local now = before + by
  if now > 0 then redis.call('HSET', o, field, text(now) .. (is_held and '' or '|m')) else redis.call('HDEL', o, field) end
  if is_held then add_held(u, meter, (now > 0 and 1 or 0) - (before > 0 and 1 or 0)) end
end

-- A resource becomes a member or ceases to be one: its unit is used instead of held, or held again.
local function mark_member(u, o, meter, subject, is_member)
  local field = '~' .. meter .. '~' .. subject
  local holds, is_held = parse_mark(redis.call('HGET', o, field))
  if holds == 0 or is_held ~= is_member then return end
  redis.call('HSET', o, field, text(holds) .. (is_member and '|m' or ''))
  add_held(u, meter, is_member and -1 or 1)
end

-- The same of all resources of a meter that holds name: exactly `subjects` are members now.
local function mark_members(u, o, meter, subjects)
  local prefix, members, fields = '~' .. meter .. '~', nil, redis.call('HKEYS', o)
  for _, field in ipairs(fields) do
    if string.sub(field, 1, #prefix) == prefix then
      if not members then
        members = {}
        for _, subject in ipairs(subjects) do members[subject] = true end
      end
      local subject = string.sub(field, #prefix + 1)
      mark_member(u, o, meter, subject, members[subject] == true)
    end
  end
end
