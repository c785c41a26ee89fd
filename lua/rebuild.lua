--[[
  Bring a sender's day, and its further budgets, to at least what the ledger holds.

  KEYS[1]     the sender's day: a hash of reservations (see reserve.lua)
  KEYS[2..n]  further budgets
  KEYS[n+1]   the day's record: a hash whose fields are reservation .. further budget
  ARGV[1]     meta: "<epoch>@<run of the server>/<limit>"
  ARGV[2]     seconds to keep the hashes, at least
  ARGV[3]     seconds a reservation stays young: the ledger may not know it yet
  ARGV[4..]   for each of KEYS[1..n]: how many reservations the ledger holds, and these

  A union: what is held already stays, but for reservations that are no longer young
  and that the ledger does not hold (their worker died before it armed them).

  Returns how many units the day holds.
]]
local call, now, at = redis.call, tonumber(redis.call("TIME")[1]), 4

for i = 1, #KEYS - 1 do
  local key, ledger = KEYS[i], { meta = true }
  for j = at + 1, at + ARGV[at] do
    local rid = ARGV[j]
    ledger[rid] = true
    call("HSETNX", key, rid, now)
    if i > 1 then
      call("HSET", KEYS[#KEYS], rid .. key, "")
    end
  end
  at = at + ARGV[at] + 1

  local held = call("HGETALL", key)
  for j = 1, #held, 2 do
    if not ledger[held[j]] and now - held[j + 1] >= tonumber(ARGV[3]) then
      call("HDEL", key, held[j])
    end
  end
  -- One value over 64 bytes makes a hash a table for good: look-ups do not grow.
  call("HSET", key, "meta", string.rep(" ", 65))
  call("HSET", key, "meta", i == 1 and ARGV[1] or ARGV[1]:match("^.*/"))
end
for _, key in ipairs(KEYS) do
  if call("TTL", key) < tonumber(ARGV[2]) then
    call("EXPIRE", key, ARGV[2])
  end
end
return call("HLEN", KEYS[1]) - 1
