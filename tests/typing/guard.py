"""Read by mypy only: every guard fits its port."""

from __future__ import annotations

from redis.asyncio import Redis

from outreach.adapters.memory.guard import MemoryGuard
from outreach.adapters.redis import RedisGuard
from outreach.ports.guard import Guard


def guards(client: Redis) -> tuple[Guard, ...]:
    return MemoryGuard(), RedisGuard(client)
