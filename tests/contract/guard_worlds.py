"""The guards under test, and how their stores are hurt."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final, cast
from uuid import uuid4

from redis.asyncio import Redis

from outreach.adapters.memory.clock import MemoryClock
from outreach.adapters.memory.guard import MemoryGuard
from outreach.adapters.redis import RedisGuard, connect
from outreach.domain.budget import UnitSlot

__all__ = ["MemoryWorld", "RedisWorld"]

YOUNG: Final = timedelta(minutes=10)
CONNECTIONS: Final = 3
AGE: Final = """
for _, key in ipairs(KEYS) do
  for _, rid in ipairs(redis.call("HKEYS", key)) do
    if rid ~= "meta" then redis.call("HINCRBY", key, rid, ARGV[1]) end
  end
end
"""
RESTART: Final = """
for _, key in ipairs(KEYS) do
  local meta = redis.call("HGET", key, "meta")
  redis.call("HSET", key, "meta", (meta:gsub("@.*/", "@0123456789abcdef/")))
end
"""


class MemoryWorld:
    """A guard in memory, under a clock that is moved by hand."""

    def __init__(self) -> None:
        self.young = YOUNG
        self._clock = MemoryClock()
        self._guard = MemoryGuard(self._clock.monotonic, young=YOUNG)
        self.guards = [self._guard]

    async def lose(self, slot: UnitSlot, budget: str = "") -> None:
        del self._guard._store.budgets[slot.sender, budget or str(slot.day)]

    async def lose_record(self, slot: UnitSlot) -> None:
        del self._guard._store.records[slot.sender, str(slot.day)]

    async def flush(self) -> None:
        self._guard.flush()

    async def age(self, slot: UnitSlot, by: timedelta) -> None:
        assert (slot.sender, str(slot.day)) in self._guard._store.budgets
        self._clock.advance(by)

    async def restart(self) -> None:
        self._guard.restart()

    async def aclose(self) -> None:
        pass


class RedisWorld:
    """Guards with a connection each to a real server, under keys of their own."""

    def __init__(self, url: str, *, connections: int = CONNECTIONS) -> None:
        self.young = YOUNG
        self._prefix = f"test:{uuid4().hex}:"
        self._clients = [connect(url) for _ in range(connections)]
        self.guards = [
            RedisGuard(client, prefix=self._prefix, young=YOUNG)
            for client in self._clients
        ]

    @property
    def client(self) -> Redis:
        return self._clients[0]

    def key(self, slot: UnitSlot, budget: str = "") -> str:
        return f"{self._prefix}quota:wa:{{{slot.sender}}}:{budget or slot.day}"

    async def lose(self, slot: UnitSlot, budget: str = "") -> None:
        assert await self.client.delete(self.key(slot, budget)) == 1

    async def lose_record(self, slot: UnitSlot) -> None:
        assert await self.client.delete(f"{self.key(slot)}:budgets") == 1

    async def flush(self) -> None:
        """As FLUSHALL does, for the keys of this world."""
        if keys := await self._keys():
            await self.client.delete(*keys)

    async def age(self, slot: UnitSlot, by: timedelta) -> None:
        """Change what the server wrote, since its clock cannot be moved."""
        assert await self.client.exists(self.key(slot))
        await self._eval(AGE, -int(by.total_seconds()))

    async def restart(self) -> None:
        """Make it as if another run had loaded all this."""
        await self._eval(RESTART)

    async def aclose(self) -> None:
        if keys := await self._keys():
            await self.client.delete(*keys)
        for guard, client in zip(self.guards, self._clients, strict=True):
            await guard.aclose()
            await client.aclose()

    async def _keys(self) -> list[bytes]:
        found = self.client.scan_iter(f"{self._prefix}*", count=1_000)
        return [key async for key in found]

    async def _eval(self, script: str, *arguments: int) -> None:
        hashes = [key for key in await self._keys() if not key.endswith(b":budgets")]
        client = cast("Any", self.client)
        await client.eval(script, len(hashes), *hashes, *arguments)
