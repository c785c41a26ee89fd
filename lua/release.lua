--[[
  Give back what one reservation took from the sender's day and its further budgets.

  KEYS[1]     the sender's day: a hash of reservations (see reserve.lua)
  KEYS[2]     the day's record: a hash whose fields are reservation .. further budget
  KEYS[3..n]  the further budgets that the caller knows of; none at first
  ARGV[1]     reservation

  Returns {}: it is given back, or was not held. Returns the further budgets it took if
  one of them is not in KEYS: nothing is done, and the caller asks again with them.
]]
local call, rid, taken, given, unknown = redis.call, ARGV[1], {}, {}, false

for i = 3, #KEYS do
  given[KEYS[i]] = true
end
for _, field in ipairs(call("HKEYS", KEYS[2])) do
  if field:sub(1, #rid) == rid then
    local budget = field:sub(#rid + 1)
    taken[#taken + 1] = budget
    unknown = unknown or not given[budget]
  end
end
if unknown then
  return taken
end

call("HDEL", KEYS[1], rid)
for _, budget in ipairs(taken) do
  call("HDEL", budget, rid)
  call("HDEL", KEYS[2], rid .. budget)
end
return {}
