--[[
  Say how many units a sender's day holds, and change nothing.

  KEYS[1]  the sender's day: a hash of reservations (see reserve.lua)
  ARGV[1]  run of the server, as the caller knows it

  Returns {code, used, limit}: code 0; or 2, it is missing or was rebuilt under
  another run and must be rebuilt first. limit is the one last told, or 0.
]]
local meta = redis.call("HGET", KEYS[1], "meta") or ""
local run, limit = meta:match("@(.-)/(%d+)$")
local used = math.max(redis.call("HLEN", KEYS[1]) - 1, 0)

return { run == ARGV[1] and 0 or 2, used, tonumber(limit) or 0 }
